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

    /// B, packed from memory that ends at a guard page.
    func packed(_ table: KernelTable) -> PackedMatrix {
        let right = Guarded(b)
        return unsafe PackedMatrix(
            rowCount: k,
            columnCount: n,
            elements: right.read,
            rowStride: n,
            table: table
        )
    }

    /// Some rows of a matrix of `width` columns with `gap` marks between them; none after the last,
    /// which ends at the guard page.
    private func spread(_ matrix: [Float], _ rows: Range<Int>, _ width: Int, _ gap: Int) -> [Float]
    {
        let marks = [Float](repeating: Self.mark, count: gap)
        var result = [Float]()
        for row in rows {
            result += matrix[row * width..<(row + 1) * width]
            if row < rows.upperBound - 1 { result += marks }
        }
        return result
    }

    private static let mark: Float = -7.5

    /// Runs `rows` of the product, with `gap` floats between the rows of A and of C, which must come
    /// out as they were.
    ///
    /// - Parameters:
    ///   - rows: Which.
    ///   - matrix: What ``packed(_:)`` made; nil to pack now.
    ///   - gap: The floats between rows.
    ///   - initial: All of C as it is before; nil for NaN.
    ///   - context: Where to run.
    ///   - epilogue: Makes the epilogue for the rows.
    /// - Returns: The rows of C without the gaps; nil if a gap was written.
    func run(
        rows: Range<Int>,
        by matrix: PackedMatrix? = nil,
        gap: Int = 0,
        initial: [Float]? = nil,
        context: KernelContext,
        epilogue: (Range<Int>) -> Epilogue = { _ in Epilogue() }
    ) -> [Float]? {
        let left = Guarded(spread(a, rows, k, gap))
        let before = initial ?? [Float](repeating: .nan, count: m * n)
        let result = Guarded(spread(before, rows, n, gap))
        unsafe GEMM.multiply(
            left.read,
            rowStride: k + gap,
            rowCount: rows.count,
            by: matrix ?? packed(context.table),
            into: result.pointer,
            rowStride: n + gap,
            epilogue: epilogue(rows),
            context: context
        )
        let all = result.values
        var values = [Float]()
        for i in 0..<rows.count {
            let start = i * (n + gap)
            values += all[start..<start + n]
            guard i < rows.count - 1 else { continue }
            if all[start + n..<start + n + gap].contains(where: { $0 != Self.mark }) { return nil }
        }
        return values
    }
}
