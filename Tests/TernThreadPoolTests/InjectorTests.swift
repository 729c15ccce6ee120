import Glibc
import Testing

@testable import TernThreadPool

/// A job that is only a number.
private func job(_ number: Int) -> PoolJob {
    unsafe PoolJob(context: UnsafeMutableRawPointer(bitPattern: number + 1)) { _ in }
}

private func number(of job: PoolJob?) -> Int? {
    guard let job else { return nil }
    return unsafe Int(bitPattern: job.context) - 1
}

@Suite struct InjectorTests {
    @Test(arguments: [1, 2, 3, 16])
    func `jobs come out in the order they went in, any number of times round`(_ capacity: Int) {
        let queue = SharedInjector(capacity: capacity)
        var sent = 0
        var received = 0
        for round in 0..<100 {
            for _ in 0..<(round % queue.capacity + 1) {
                #expect(queue.enqueue(job(sent)))
                sent += 1
            }
            #expect(queue.hasReadyJob() && queue.seemsWaiting)
            while let next = number(of: queue.dequeue()) {
                #expect(next == received)
                received += 1
            }
            #expect(!queue.hasReadyJob() && !queue.seemsWaiting)
        }
        #expect(received == sent)
    }

    @Test func `a full queue refuses a job until one has been taken`() {
        let queue = SharedInjector(capacity: 4)
        for item in 0..<4 { #expect(queue.enqueue(job(item))) }
        #expect(!queue.enqueue(job(4)))
        #expect(number(of: queue.dequeue()) == 0)
        #expect(queue.enqueue(job(4)))
        #expect(!queue.enqueue(job(5)))
        #expect((1...4).allSatisfy { number(of: queue.dequeue()) == $0 })
    }

    @Test func `a closed queue refuses jobs and gives out those it has`() {
        let queue = SharedInjector(capacity: 4)
        #expect(queue.enqueue(job(0)))
        #expect(!queue.isClosed && !queue.isFinished)
        queue.close()
        queue.close()
        #expect(queue.isClosed && !queue.isFinished)
        #expect(!queue.enqueue(job(1)))
        #expect(number(of: queue.dequeue()) == 0)
        #expect(queue.isFinished)
        #expect(queue.dequeue() == nil)
    }

    @Test(arguments: [2, 64])
    func `every job is taken exactly once, and one producer's in order`(_ capacity: Int) {
        let perProducer = 8_000
        let producerCount = 3
        let consumerCount = 3
        let shared = SharedInjector(capacity: capacity)
        let tally = Tally(perProducer * producerCount)
        let received = Counter()
        let disorder = Counter()
        ForeignThread.run(producerCount + consumerCount) { thread in
            if thread < producerCount {
                for item in 0..<perProducer {
                    while !shared.enqueue(job(thread * perProducer + item)) { sched_yield() }
                }
            } else {
                var last = [Int](repeating: -1, count: producerCount)
                while received.value < tally.count {
                    guard let next = number(of: shared.dequeue()) else {
                        sched_yield()
                        continue
                    }
                    tally.see(next)
                    received.add()
                    if next <= last[next / perProducer] { disorder.add() }
                    last[next / perProducer] = next
                }
            }
        }
        #expect(tally.wrong.isEmpty)
        #expect(disorder.value == 0)
    }
}
