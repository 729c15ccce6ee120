import Testing

@testable import TernServer

@Suite struct RequestLifecycleTests {
    private func queued() -> RequestLifecycle {
        var life = RequestLifecycle()
        life.admit()
        return life
    }

    private func running() -> RequestLifecycle {
        var life = queued()
        _ = life.start(isExpired: false)
        return life
    }

    @Test func `a request that runs and finishes is answered once by its worker`() {
        var life = queued()
        #expect(life.start(isExpired: false) == .run)
        #expect(life.isAwaitingAnswer)
        #expect(life.finish() == .send)
        #expect(life.isFree)
    }

    @Test func `a request whose budget is used up doesn't run and is answered by the worker`() {
        var life = queued()
        #expect(life.start(isExpired: true) == .expire)
        #expect(life.finish() == .send)
        #expect(life.isFree)
    }

    @Test func `a request withdrawn while it waits is answered by who withdrew it`() {
        var life = queued()
        #expect(life.withdraw() == .send)
        #expect(!life.isAwaitingAnswer)
        #expect(!life.isFree)
        #expect(life.start(isExpired: false) == .release)
        #expect(life.isFree)
    }

    @Test func `a withdrawn request is not answered a second time for being late`() {
        var life = queued()
        #expect(life.withdraw() == .send)
        #expect(life.start(isExpired: true) == .release)
        #expect(life.isFree)
    }

    @Test func `the result of a request withdrawn while it ran is dropped`() {
        var life = running()
        #expect(life.withdraw() == .send)
        #expect(life.finish() == .none)
        #expect(life.isFree)
    }

    @Test func `withdrawing twice answers once`() {
        var waiting = queued()
        #expect(waiting.withdraw() == .send)
        #expect(waiting.withdraw() == .none)
        var working = running()
        #expect(working.withdraw() == .send)
        #expect(working.withdraw() == .none)
    }

    @Test func `withdrawing what is not there answers nobody`() {
        var life = RequestLifecycle()
        #expect(life.withdraw() == .none)
        #expect(life.isFree)
    }

    @Test func `every order of events ends with one answer and a free slot`() {
        // Withdrawals before, during and after the run, late or not: 2 x 3 x 2 histories.
        for isExpired in [false, true] {
            for withdrawals in [[], [0], [1], [0, 1]] {
                var life = queued()
                var answers = 0
                if withdrawals.contains(0), life.withdraw() == .send { answers += 1 }
                if life.start(isExpired: isExpired) != .release {
                    if withdrawals.contains(1), life.withdraw() == .send { answers += 1 }
                    if life.finish() == .send { answers += 1 }
                }
                if life.withdraw() == .send { answers += 1 }
                #expect(answers == 1)
                #expect(life.isFree)
            }
        }
    }
}

@Suite struct ServiceStateTests {
    @Test func `a server accepts work from its start until it drains`() {
        var state = ServiceState()
        #expect(!state.acceptsWork)
        let hasStarted = state.started()
        #expect(hasStarted)
        #expect(state.acceptsWork)
        #expect(state.drain() == .begin)
        #expect(!state.acceptsWork)
        #expect(state.phase == .draining)
        #expect(state.stop() == .tearDown)
        #expect(state.phase == .stopped)
    }

    @Test func `a second drain waits for the first`() {
        var state = ServiceState()
        let hasStarted = state.started()
        #expect(hasStarted)
        #expect(state.drain() == .begin)
        #expect(state.drain() == .join)
    }

    @Test func `there is nothing to drain before the start and after the end`() {
        var state = ServiceState()
        #expect(state.drain() == .none)
        #expect(state.stop() == .tearDown)
        #expect(state.drain() == .none)
    }

    @Test func `stopping twice tears down once, and a stopped server cannot start`() {
        var state = ServiceState()
        #expect(state.stop() == .tearDown)
        #expect(state.stop() == .none)
        let hasStarted = state.started()
        #expect(!hasStarted)
        #expect(state.phase == .stopped)
    }
}

@Suite struct DeadlineTests {
    @Test func `without a budget the deadline never comes`() {
        let deadline = Deadline(receivedAtNanoseconds: 5, budgetMicroseconds: nil)
        #expect(deadline == .never)
        #expect(!deadline.hasPassed(atNanoseconds: .max))
    }

    @Test func `the budget counts from the receipt, and the deadline itself is too late`() {
        let deadline = Deadline(receivedAtNanoseconds: 1_000, budgetMicroseconds: 3)
        #expect(!deadline.hasPassed(atNanoseconds: 3_999))
        #expect(deadline.hasPassed(atNanoseconds: 4_000))
    }

    @Test func `a budget of nothing has passed on arrival`() {
        let deadline = Deadline(receivedAtNanoseconds: 7, budgetMicroseconds: 0)
        #expect(deadline.hasPassed(atNanoseconds: 7))
    }

    @Test(arguments: [UInt64.max, UInt64.max / 1000, UInt64.max / 1000 - 1])
    func `a budget beyond the clock's end is no limit`(_ budgetMicroseconds: UInt64) {
        let deadline = Deadline(
            receivedAtNanoseconds: 10_000_000,
            budgetMicroseconds: budgetMicroseconds
        )
        #expect(deadline == .never)
    }
}
