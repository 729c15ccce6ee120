/// What keeps queries from keys, beyond causality.
///
/// A mask is laid out over [batch, heads, queries, keys]; keys are adjacent, and a stride of 0 repeats.
@safe package struct AttentionMask {
    /// Added to the scaled scores; -∞ excludes.
    internal let bias: UnsafePointer<Float>?
    /// Bytes that are not 0 let a key take part.
    internal let isKept: UnsafePointer<UInt8>?
    /// Elements between batch entries, heads and queries.
    internal let strides: Attention.Strides

    // SAFETY: the pointers are only read while `Attention.run` runs, which its caller answers for.

    /// Nothing is masked.
    package static var none: AttentionMask {
        unsafe AttentionMask(
            bias: nil,
            isKept: nil,
            strides: Attention.Strides(batch: 0, head: 0, row: 0)
        )
    }

    /// A mask to be added to the scores.
    @unsafe package static func bias(
        _ bias: UnsafePointer<Float>,
        strides: Attention.Strides
    ) -> AttentionMask { unsafe AttentionMask(bias: bias, isKept: nil, strides: strides) }

    /// A mask of the keys that take part.
    @unsafe package static func kept(
        _ isKept: UnsafePointer<UInt8>,
        strides: Attention.Strides
    ) -> AttentionMask { unsafe AttentionMask(bias: nil, isKept: isKept, strides: strides) }

    @unsafe private init(
        bias: UnsafePointer<Float>?,
        isKept: UnsafePointer<UInt8>?,
        strides: Attention.Strides
    ) {
        unsafe self.bias = bias
        unsafe self.isKept = isKept
        self.strides = strides
    }
}
