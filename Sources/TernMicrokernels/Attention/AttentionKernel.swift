/// Masked softmax of blocks of scores, for attention that never holds all scores of a query.
///
/// With m the largest score so far, each block turns its scores into e^(s - m) and says by what factor
/// the earlier sums shrink: e^(m before - m) (Milakov and Gimelshein, 2018). A NaN is not a maximum; it
/// makes the sum NaN. Sums have the order of ``SoftmaxKernel``. Scalar twin: in `AttentionTests`.
@usableFromInline
internal enum AttentionKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>

    @inlinable
    @inline(__always)
    internal static func weigh(_ block: borrowing AttentionBlock) {
        var row = 0
        while row < block.rowCount {
            let rows = Swift.min(4, block.rowCount &- row)
            for r in row..<(row &+ rows) { largest(block, r) }
            for r in row..<(row &+ rows) { weights(block, r) }
            row &+= rows
        }
    }

    @inlinable
    @inline(__always)
    internal static func visibleCount(_ block: borrowing AttentionBlock, _ row: Int) -> Int {
        let count = block.visibleKeyCount &+ (block.isCausal ? row : 0)
        return Swift.max(0, Swift.min(block.keyCount, count))
    }

    /// Masks one row's scores; its new maximum goes to `factors`, which `weigh` turns into factors.
    @inlinable
    @inline(__always)
    internal static func largest(_ block: borrowing AttentionBlock, _ row: Int) {
        let count = visibleCount(block, row)
        let scores = unsafe block.scores + row &* block.scoreStride
        if let bias = unsafe block.bias {
            let own = unsafe bias + row &* block.maskStride
            unsafe NormalizationKernel<I>.map(scores, scores, count) { v, i, part in
                unsafe I.add(v, NormalizationKernel<I>.load(own + i, part))
            }
        } else if let isKept = unsafe block.isKept {
            let own = unsafe isKept + row &* block.maskStride
            let nothing = I.broadcast(-Float.infinity)
            unsafe NormalizationKernel<I>.map(scores, scores, count) { v, i, part in
                unsafe I.select(I.notZero(own + i, count: part), v, nothing)
            }
        }
        let largest = unsafe SoftmaxKernel<I>.largest(scores, count)
        let before = unsafe block.maxima[row]
        unsafe block.factors[row] = largest > before ? largest : before
    }

    /// Turns one row's scores into weights.
    @inlinable
    @inline(__always)
    internal static func weights(_ block: borrowing AttentionBlock, _ row: Int) {
        let count = visibleCount(block, row)
        let scores = unsafe block.scores + row &* block.scoreStride
        let largest = unsafe block.factors[row]
        // Where everything is masked so far, every weight is to be 0, not NaN.
        let shift = I.broadcast(largest == -.infinity ? 0 : largest)
        let sum = unsafe SoftmaxKernel<I>.exponentials(scores, count, shift) { e, i, part in
            if part == I.laneCount {
                unsafe I.store(e, scores + i)
            } else {
                unsafe I.store(e, scores + i, count: part)
            }
        }
        for i in count..<block.keyCount { unsafe scores[i] = 0 }
        let before = unsafe I.broadcast(block.maxima[row])
        let factor = I.first(Math.exponential(nonpositive: I.subtract(before, shift)))
        unsafe block.factors[row] = factor
        unsafe block.sums[row] = block.sums[row] * factor + sum
        unsafe block.maxima[row] = largest
    }

    /// Multiplies each row of sums of values with its factor.
    @inlinable
    @inline(__always)
    internal static func rescale(
        _ values: UnsafeMutablePointer<Float>,
        _ stride: Int,
        _ rowCount: Int,
        _ count: Int,
        _ factors: UnsafePointer<Float>
    ) {
        for row in 0..<rowCount {
            let factor = unsafe factors[row]
            // Most blocks do not raise the maximum.
            if factor != 1 {
                let f = I.broadcast(factor)
                let own = unsafe values + row &* stride
                unsafe UnaryKernel<I>.map(own, own, count) { I.multiply($0, f) }
            }
        }
    }

    /// Divides each row of sums of values by its sum of weights; 0 where no key took part.
    @inlinable
    @inline(__always)
    internal static func finish(
        _ values: UnsafeMutablePointer<Float>,
        _ stride: Int,
        _ rowCount: Int,
        _ count: Int,
        _ sums: UnsafePointer<Float>
    ) {
        let zero = I.broadcast(Float(0))
        for row in 0..<rowCount {
            let own = unsafe values + row &* stride
            let sum = unsafe sums[row]
            if sum == 0 {
                unsafe UnaryKernel<I>.map(own, own, count) { _ in zero }
            } else {
                let f = I.broadcast(1 / sum)
                unsafe UnaryKernel<I>.map(own, own, count) { I.multiply($0, f) }
            }
        }
    }
}
