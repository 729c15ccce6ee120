/// The arguments of ``AttentionKernel``: scores of some queries against one block of keys.
///
/// The scores are scaled already. Of each query the kernel keeps three numbers between blocks.
@usableFromInline @safe package struct AttentionBlock {
    /// Scores in, weights e^(score - maximum) out: [rowCount, keyCount].
    @usableFromInline package var scores: UnsafeMutablePointer<Float>
    @usableFromInline package var scoreStride: Int
    @usableFromInline package var rowCount: Int
    @usableFromInline package var keyCount: Int
    /// What is added to each score, or nothing.
    @usableFromInline package var bias: UnsafePointer<Float>?
    /// Which keys take part, those whose byte is not 0; or all.
    @usableFromInline package var isKept: UnsafePointer<UInt8>?
    /// The distance between rows of `bias` or `isKept`; 0 for one row for all queries.
    @usableFromInline package var maskStride: Int
    /// How many keys of the block the first query may see, and whether each further query sees one
    /// more; the count may be below 0 and above `keyCount`.
    @usableFromInline package var visibleKeyCount: Int
    @usableFromInline package var isCausal: Bool
    /// The largest score of each query so far; -∞ before the first block.
    @usableFromInline package var maxima: UnsafeMutablePointer<Float>
    /// The sum of each query's weights so far; 0 before the first block.
    @usableFromInline package var sums: UnsafeMutablePointer<Float>
    /// What the sums of values so far have to be multiplied with: written.
    @usableFromInline package var factors: UnsafeMutablePointer<Float>

    /// A block without a mask.
    @inlinable
    package init(
        scores: UnsafeMutablePointer<Float>,
        scoreStride: Int,
        rowCount: Int,
        keyCount: Int,
        maxima: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>,
        factors: UnsafeMutablePointer<Float>
    ) {
        unsafe self.scores = scores
        self.scoreStride = scoreStride
        self.rowCount = rowCount
        self.keyCount = keyCount
        unsafe bias = nil
        unsafe isKept = nil
        maskStride = 0
        visibleKeyCount = keyCount
        isCausal = false
        unsafe self.maxima = maxima
        unsafe self.sums = sums
        unsafe self.factors = factors
    }
}
