internal import Synchronization

/// How busy one model is, all its versions together; survives a reload.
package final class ModelLoad: Sendable {
    private let inFlight = Atomic<Int>(0)
    private let typicalNanoseconds = Atomic<UInt64>(0)

    /// The most requests that are in flight at one time.
    package let inFlightLimit: Int

    /// Makes the counters of an idle model.
    package init(inFlightLimit: Int) {
        precondition(inFlightLimit > 0, "a model that admits nothing is no use")
        self.inFlightLimit = inFlightLimit
    }

    /// How many requests are in flight.
    package var inFlightCount: Int { inFlight.load(ordering: .relaxed) }

    /// Admits one request; `false` if the limit is reached.
    package func enter() -> Bool {
        // Relaxed: the count guards nothing but itself.
        let before = inFlight.wrappingAdd(1, ordering: .relaxed).oldValue
        if before < inFlightLimit { return true }
        inFlight.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    /// A request is answered.
    package func leave() {
        let before = inFlight.wrappingSubtract(1, ordering: .relaxed).oldValue
        precondition(before > 0, "more requests left a model than had entered it")
    }

    /// Takes note of how long one request took, its share of a batch.
    package func record(computeNanoseconds: UInt64) {
        // A moving average over about eight runs. Two workers may overwrite each other's note;
        // that costs a sample of an estimate.
        let old = typicalNanoseconds.load(ordering: .relaxed)
        let new = old == 0 ? computeNanoseconds : old - old / 8 + computeNanoseconds / 8
        typicalNanoseconds.store(new, ordering: .relaxed)
    }

    /// How long the requests that wait will take, about.
    ///
    /// - Parameters:
    ///   - waitingCount: How many wait.
    ///   - workerCount: How many requests run at once.
    /// - Returns: Nanoseconds; 0 if fewer wait than there are workers.
    package func typicalWaitNanoseconds(waitingCount: Int, workerCount: Int) -> UInt64 {
        guard waitingCount >= workerCount else { return 0 }
        let (work, overflow) = typicalNanoseconds.load(ordering: .relaxed)
            .multipliedReportingOverflow(by: UInt64(waitingCount))
        return overflow ? .max / 2 : work / UInt64(Swift.max(workerCount, 1))
    }

    /// When it is worth trying again: about when half of the work in flight will be done.
    ///
    /// - Parameter workerCount: How many requests run at once.
    /// - Returns: Between 1 millisecond and 1 second.
    package func retryAfterMicroseconds(workerCount: Int) -> UInt64 {
        let runs = UInt64(Swift.max(inFlightCount, 1)) / UInt64(Swift.max(workerCount, 1)) + 1
        let (wait, overflow) = typicalNanoseconds.load(ordering: .relaxed)
            .multipliedReportingOverflow(by: runs)
        return overflow ? 1_000_000 : Swift.min(Swift.max(wait / 2 / 1000, 1000), 1_000_000)
    }
}
