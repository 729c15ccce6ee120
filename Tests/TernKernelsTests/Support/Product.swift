import TernKernels
import TernMicrokernels

/// A product of packed matrices, its operands before guard pages and its rows apart from each other.
struct Product {
    let m: Int
    let n: Int
    let k: Int
    let a: [Float]
    let b: [Float]

    init(_ m: Int, _ n: Int, _ k: Int, seed: UInt64) {
        var numbers = Numbers(seed: seed)
        (self.m, self.n, self.k) = (m, n, k)
        a = numbers.floats(m * k)
        b = numbers.floats(k * n)
    }

    /// Runs `rows` of the product, with `gap` floats between the rows of A and of C, which must come
    /// out as they were.
    ///
    /// - Returns: The rows of C without the gaps; nil if a gap was written.
    func run(
        rows: Range<Int>,
        gap: Int = 0,
        initial: [Float]? = nil,
        context: KernelContext,
        epilogue: (Range<Int>) -> Epilogue = { _ in Epilogue() }
    ) -> [Float]? {
        let mark: Float = -7.5
        func spread(_ rowCount: Int, _ width: Int, _ value: (Int, Int) -> Float) -> [Float] {
            // The last row has no gap: it ends at the guard page.
            (0..<rowCount).flatMap { i in
                (0..<width + (i == rowCount - 1 ? 0 : gap)).map { j in
                    j < width ? value(i, j) : mark
                }
            }
        }
        let left = Guarded(spread(rows.count, k) { a[(rows.lowerBound + $0) * k + $1] })
        let right = Guarded(b)
        let result = Guarded(
            spread(rows.count, n) { i, j in initial?[(rows.lowerBound + i) * n + j] ?? .nan }
        )
        let matrix = unsafe PackedMatrix(
            rowCount: k,
            columnCount: n,
            elements: right.read,
            rowStride: n,
            table: context.table
        )
        unsafe GEMM.multiply(
            left.read,
            rowStride: k + gap,
            rowCount: rows.count,
            by: matrix,
            into: result.pointer,
            rowStride: n + gap,
            epilogue: epilogue(rows),
            context: context
        )
        var values = [Float]()
        for i in 0..<rows.count {
            for j in 0..<n { values.append(result[i * (n + gap) + j]) }
            guard i < rows.count - 1 else { continue }
            for j in n..<n + gap where result[i * (n + gap) + j] != mark { return nil }
        }
        return values
    }
}
