internal import Synchronization

/// What has become of calls' shapes: how often there was a plan for them, and what plans cost.
///
/// Relaxed: the counts guard nothing, and each is read at its own moment.
package final class PlanCounters: Sendable {
    private let hits = Atomic<Int>(0)
    private let misses = Atomic<Int>(0)
    private let evictions = Atomic<Int>(0)
    private let compilations = Atomic<Int>(0)
    private let nanoseconds = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)

    /// Those of the process.
    package static let shared = PlanCounters()

    /// Makes counters, all at zero.
    package init() {}

    /// Calls that found a plan for their shapes.
    package var hitCount: Int { hits.load(ordering: .relaxed) }
    /// Calls that found none: they waited for it, or ran without one.
    package var missCount: Int { misses.load(ordering: .relaxed) }
    /// Plans that made way for others.
    package var evictionCount: Int { evictions.load(ordering: .relaxed) }
    /// Plans that were compiled.
    package var compilationCount: Int { compilations.load(ordering: .relaxed) }
    /// How long that took, all in all.
    package var compilationNanoseconds: Int { nanoseconds.load(ordering: .relaxed) }
    /// Plans that were not compiled because too many others waited to be.
    package var refusalCount: Int { refusals.load(ordering: .relaxed) }

    func countHit() { hits.wrappingAdd(1, ordering: .relaxed) }
    func countMiss() { misses.wrappingAdd(1, ordering: .relaxed) }
    func countRefusal() { refusals.wrappingAdd(1, ordering: .relaxed) }

    func countCompilation(taking duration: Duration, evicting evictedCount: Int) {
        compilations.wrappingAdd(1, ordering: .relaxed)
        nanoseconds.wrappingAdd(Int(duration / .nanoseconds(1)), ordering: .relaxed)
        evictions.wrappingAdd(evictedCount, ordering: .relaxed)
    }
}
