/// Where sums of floats go, and what happens on the way.
///
/// `C = min(upper, max(v, lower))` with `v = sum + beta·C + columnBias[n] + rowBias[m]`, added in this
/// order; `beta == 0` never reads C. A NaN stays one. C holds floats or bfloat16, rounded to nearest.
@usableFromInline @safe package struct SumFinish {
    /// C, row-major.
    @usableFromInline package var c: UnsafeMutableRawPointer
    /// The elements between rows of C.
    @usableFromInline package var cRowStride: Int
    /// Whether C holds bfloat16, and then `beta` is 0.
    @usableFromInline package var isBFloat: Bool
    /// The factor of what C holds already.
    @usableFromInline package var beta: Float
    /// What is added to each column.
    @usableFromInline package var columnBias: UnsafePointer<Float>?
    /// What is added to each row.
    @usableFromInline package var rowBias: UnsafePointer<Float>?
    /// The least value.
    @usableFromInline package var lower: Float
    /// The greatest value.
    @usableFromInline package var upper: Float

    /// Stores sums as they are.
    @unsafe package init(c: UnsafeMutableRawPointer, cRowStride: Int, isBFloat: Bool) {
        unsafe self.c = c
        self.cRowStride = cRowStride
        self.isBFloat = isBFloat
        beta = 0
        unsafe columnBias = nil
        unsafe rowBias = nil
        lower = -.infinity
        upper = .infinity
    }

    /// Whether C is what the sums are.
    package var isPlain: Bool {
        unsafe !isBFloat && beta == 0 && columnBias == nil && rowBias == nil
            && lower == -.infinity && upper == .infinity
    }
}

/// Stores blocks of sums as a ``SumFinish`` says.
@usableFromInline
internal enum SumFinishKernel<I: BFloatInstructionSet> {
    @inlinable
    @inline(never)
    internal static func store(
        _ end: SumFinish,
        _ sums: UnsafeMutablePointer<Float>,
        _ stride: Int,
        _ row: Int,
        _ rowCount: Int,
        _ column: Int,
        _ columnCount: Int
    ) {
        for r in row..<row &+ rowCount {
            let source = unsafe sums + (r &- row) &* stride
            var n = 0
            while columnCount &- n >= I.laneCount {
                unsafe store(end, I.load(source + n), r, column &+ n, I.laneCount)
                n &+= I.laneCount
            }
            if n < columnCount {
                unsafe store(end, I.load(source + n), r, column &+ n, columnCount &- n)
            }
        }
    }

    @inlinable
    @inline(__always)
    internal static func store(
        _ end: SumFinish,
        _ sum: I.Floats,
        _ row: Int,
        _ column: Int,
        _ count: Int
    ) {
        let place = row &* end.cRowStride &+ column
        var v = sum
        if end.beta != 0 {
            let c = unsafe end.c.assumingMemoryBound(to: Float.self) + place
            v = unsafe I.multiplyAdd(v, I.broadcast(end.beta), I.load(c, count: count))
        }
        if let bias = unsafe end.columnBias {
            v = unsafe I.add(v, I.load(bias + column, count: count))
        }
        if let bias = unsafe end.rowBias { v = unsafe I.add(v, I.broadcast(bias[row])) }
        // The bound comes first: where v is NaN the second operand, v, is the result.
        v = I.maximum(I.broadcast(end.lower), v)
        v = I.minimum(I.broadcast(end.upper), v)
        guard end.isBFloat else {
            let c = unsafe end.c.assumingMemoryBound(to: Float.self) + place
            unsafe I.storeFirst(v, c, count)
            return
        }
        let c = unsafe end.c.assumingMemoryBound(to: UInt16.self) + place
        let narrow = ConversionKernel<I>.bfloat(v)
        if count >= I.laneCount {
            unsafe I.store(narrow, c)
            return
        }
        var rest = InlineArray<16, UInt16>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &rest) { buffer in
            unsafe buffer.withMemoryRebound(to: UInt16.self, capacity: 16) {
                unsafe I.store(narrow, $0)
            }
        }
        for i in 0..<count { unsafe c[i] = rest[unchecked: i] }
    }
}
