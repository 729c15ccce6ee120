package import TernMicrokernels
package import TernThreadPool

/// What a kernel runs on: an instruction set, and the threads that may help.
///
/// Every driver in this module takes one. Small work stays on the caller's thread; the pool decides
/// with the estimate that the driver gives. Nothing that a kernel computes depends on the number of
/// threads: the bits are the same.
package struct KernelContext: Sendable {
    /// The microkernels to use.
    package let table: KernelTable
    /// The threads that may help; `nil` keeps everything on the caller's thread.
    package let pool: ThreadPool?

    /// Pairs an instruction set with threads.
    package init(table: KernelTable = .current, pool: ThreadPool? = nil) {
        self.table = table
        self.pool = pool
    }

    /// How many threads may take part, the caller included.
    package var width: Int { (pool?.workerCount ?? 0) + 1 }

    /// The same instruction set on the caller's thread alone.
    internal var inline: KernelContext { KernelContext(table: table) }

    /// How many parts work with scratch memory of their own is cut into at most.
    internal var scratchPartLimit: Int { width == 1 ? 1 : 4 * width }

    /// Calls `body` with ranges that cover `0..<count` once, on several threads if it pays.
    ///
    /// - Parameters:
    ///   - count: How many pieces there are.
    ///   - grain: The fewest pieces worth handing to a thread.
    ///   - nanosecondsPerPiece: What one piece takes on one thread, roughly; the pool measures and learns
    ///     for each loop what it really takes.
    ///   - site: What tells this loop from others of the same lengths; its line in the source.
    ///   - body: What to do; the pieces of a range belong to one thread.
    internal func forEach(
        _ count: Int,
        grain: Int = 1,
        nanosecondsPerPiece: Double,
        site: UInt = #line,
        _ body: (Range<Int>) -> Void
    ) {
        guard count > 0 else { return }
        guard let pool, count > grain else {
            body(0..<count)
            return
        }
        let predicted = Double(count) * nanosecondsPerPiece
        pool.parallelFor(
            count: count,
            grain: grain,
            predictedSerialNanoseconds: Int(Swift.min(predicted, 1e15)),
            site: site,
            body
        )
    }

    /// A grain such that one part takes about 16 microseconds.
    internal static func grain(nanosecondsPerPiece: Double) -> Int {
        Swift.max(1, Int(16_000 / Swift.max(nanosecondsPerPiece, 0.01)))
    }

    /// How long a number of multiplications and additions in GEMM takes on one thread, roughly.
    internal func nanoseconds(multiplyAdds: Double) -> Double {
        // Half of what a 3.7 GHz machine with two multiplier ports of 128, 256 bits can do.
        multiplyAdds / (table.laneCount >= 8 ? 50 : 10)
    }
}
