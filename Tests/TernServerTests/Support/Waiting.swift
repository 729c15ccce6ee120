import Foundation

/// Waits until `isTrue`, without holding a thread; `false` after a minute, which only a test that
/// fails anyway takes, or one that a sanitizer slows down beside many others.
func eventually(_ isTrue: () -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if isTrue() { return true }
        try await Task.sleep(for: .milliseconds(1))
    }
    return isTrue()
}

/// Runs something that blocks, on a thread of its own.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// Something that models wait at until the test opens it.
final class Gate: Sendable {
    private let condition = GateCondition()

    /// How many wait at it, or have gone through.
    var arrivedCount: Int { condition.with { $0.arrivedCount } }

    /// Lets everybody through from now on.
    func open() { condition.with { $0.isOpen = true } }

    /// Holds everybody from now on.
    func close() { condition.with { $0.isOpen = false } }

    /// Waits until the gate is open.
    func pass() {
        condition.with { $0.arrivedCount += 1 }
        condition.wait { $0.isOpen }
    }

    /// Waits until `count` have arrived; `false` after a minute.
    func hasArrivals(_ count: Int) async throws -> Bool {
        try await eventually { arrivedCount >= count }
    }
}

/// A gate's state, and the means to wait for it.
private final class GateCondition: @unchecked Sendable {
    struct State {
        var isOpen = false
        var arrivedCount = 0
    }

    private let condition = NSCondition()
    private var state = State()

    func with<Result>(_ body: (inout State) -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body(&state)
    }

    func wait(until isTrue: (State) -> Bool) {
        let limit = Date(timeIntervalSinceNow: 300)
        condition.lock()
        defer { condition.unlock() }
        while !isTrue(state) && condition.wait(until: limit) {}
    }
}
