import BenchmarkProduct

/// A matrix product of so many parts, to be run by a pool or alone.
struct Product: @unchecked Sendable {
    let partCount: Int
    private let a: UnsafeMutablePointer<Float>
    private let b: UnsafeMutablePointer<Float>
    private let c: UnsafeMutablePointer<Float>

    init(partCount: Int) {
        self.partCount = partCount
        a = .allocate(capacity: partCount * rowsPerPart * depth)
        b = .allocate(capacity: depth * columnCount)
        c = .allocate(capacity: partCount * rowsPerPart * columnCount)
        for index in 0..<partCount * rowsPerPart * depth { a[index] = Float(index % 7) - 3 }
        for index in 0..<depth * columnCount { b[index] = Float(index % 5) - 2 }
        c.initialize(repeating: 0, count: partCount * rowsPerPart * columnCount)
    }

    @inline(__always)
    func run(_ parts: Range<Int>) {
        for part in parts {
            multiplyPart(a + part * rowsPerPart * depth, b, c + part * rowsPerPart * columnCount)
        }
    }

    /// All of it on this thread.
    func runAlone() { run(0..<partCount) }

    /// All of it on the pool.
    func run(on pool: ThreadPool, predicted: Int) {
        // About eight parts for each of two threads, none below 2 µs.
        pool.parallelFor(
            count: partCount,
            grain: max(1, partCount / 16),
            predictedSerialNanoseconds: predicted
        ) { run($0) }
    }

    func free() {
        a.deallocate()
        b.deallocate()
        c.deallocate()
    }
}
