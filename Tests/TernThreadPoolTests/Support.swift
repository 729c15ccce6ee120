import CTernCPU
import Glibc
import Synchronization

@testable import TernThreadPool

/// Counts how often each of a number of items was seen, from any thread.
@safe final class Tally: @unchecked Sendable {
    let count: Int
    private let counters: UnsafeMutablePointer<Atomic<Int>>

    init(_ count: Int) {
        self.count = count
        unsafe counters = .allocate(capacity: max(count, 1))
        for item in 0..<count { unsafe (counters + item).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe counters.deinitialize(count: count)
        unsafe counters.deallocate()
    }

    func see(_ item: Int) {
        precondition(item >= 0 && item < count, "item \(item) of \(count) does not exist")
        unsafe counters[item].wrappingAdd(1, ordering: .relaxed)
    }

    subscript(_ item: Int) -> Int { unsafe counters[item].load(ordering: .relaxed) }

    /// The items that were not seen exactly once.
    var wrong: [Int] { (0..<count).filter { self[$0] != 1 } }

    /// The first items that were not seen exactly `times` times.
    func firstNotSeen(_ times: Int) -> Int? { (0..<count).first { self[$0] != times } }
}

/// A number that several threads change.
final class Counter: Sendable {
    private let storage = Atomic<Int>(0)

    @discardableResult func add(_ amount: Int = 1) -> Int {
        storage.wrappingAdd(amount, ordering: .acquiringAndReleasing).newValue
    }

    var value: Int { storage.load(ordering: .acquiring) }

    /// Waits until the number is at least `target`; false if that takes more than a minute.
    func reaches(_ target: Int) -> Bool {
        let deadline = ContinuousClock.now + .seconds(60)
        while value < target {
            if ContinuousClock.now > deadline { return false }
            usleep(20)
        }
        return true
    }
}

/// Something a thread waits for until a test opens it.
final class Gate: Sendable {
    private let isOpen = Atomic(false)
    func open() { isOpen.store(true, ordering: .releasing) }
    func wait() { while !isOpen.load(ordering: .acquiring) { usleep(20) } }
}

/// A thread that has nothing to do with any pool.
@safe struct ForeignThread {
    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            },
            Unmanaged.passRetained(Box(body)).toOpaque()
        )
        precondition(failure == 0)
        self.thread = thread
    }

    func join() { pthread_join(thread, nil) }

    /// Runs `body` on `count` threads and waits for them.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let threads = (0..<count).map { index in ForeignThread { body(index) } }
        for thread in threads { thread.join() }
    }
}

extension ThreadPool {
    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Submits a closure, at the price of an allocation.
    func submit(_ body: @escaping @Sendable () -> Void) -> Bool {
        let box = unsafe Unmanaged.passRetained(Box(body))
        let job = unsafe PoolJob(context: box.toOpaque()) { context in
            unsafe Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
        }
        if submit(job) { return true }
        unsafe box.release()
        return false
    }

    /// Keeps all workers busy from before this returns until the gate opens.
    func occupyAllWorkers(until gate: Gate) -> Bool {
        let started = Counter()
        for _ in 0..<workerCount {
            guard
                submit({
                    started.add()
                    gate.wait()
                })
            else { return false }
        }
        return started.reaches(workerCount)
    }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

// The primitives cannot be copied, which `#expect` asks of what it looks into; and threads need them
// at a fixed place. Classes around them give both.

final class SharedDeque: Sendable {
    private let deque: ChaseLevDeque<HardwareWord>
    init(capacity: Int) { deque = ChaseLevDeque(capacity: capacity) }
    var capacity: Int { deque.capacity }
    var seemsEmpty: Bool { deque.seemsEmpty }
    func push(_ entry: UInt64) -> Bool { deque.push(entry) }
    func pop() -> UInt64 { deque.pop() }
    func steal(tagged tag: UInt64 = 0) -> ChaseLevDeque<HardwareWord>.Theft {
        deque.steal(tagged: tag)
    }
}

final class SharedInjector: Sendable {
    private let injector: Injector<HardwareWord>
    init(capacity: Int) { injector = Injector(capacity: capacity) }
    var capacity: Int { injector.capacity }
    var seemsWaiting: Bool { injector.seemsWaiting }
    var isClosed: Bool { injector.isClosed }
    var isFinished: Bool { injector.isFinished }
    func enqueue(_ job: PoolJob) -> Bool { injector.enqueue(job) }
    func dequeue() -> PoolJob? { injector.dequeue() }
    func hasReadyJob() -> Bool { injector.hasReadyJob() }
    func close() { injector.close() }
}

final class SharedLatch: Sendable {
    private let latch: Latch<HardwareWord>
    init(inside: Int = 0) { latch = Latch(inside: inside) }
    var isDone: Bool { latch.isDone }
    func open() { latch.open() }
    func seenOpen() -> UInt64? { latch.seenOpen() }
    func enter(seen: UInt64) -> Bool { latch.enter(seen: seen) }
    func close() -> Bool { latch.close() }
    func leave() { latch.leave() }
    func sleepUntilDone() { latch.sleepUntilDone() }
}

final class SharedSleep: Sendable {
    private let state = SleepState<HardwareWord>()
    static var workerLimit: Int { SleepState<HardwareWord>.workerLimit }
    var searchingCount: Int { state.searchingCount }
    var needsWaking: Bool { state.needsWaking }
    func beginSearching() { state.beginSearching() }
    func endSearching() -> Bool { state.endSearching() }
    func announceParking(_ index: Int) { state.announceParking(index) }
    func cancelParking(_ index: Int) -> Bool { state.cancelParking(index) }
    func claimSleeper() -> Int? { state.claimSleeper() }
    func claimAnySleeper() -> Int? { state.claimAnySleeper() }
}
