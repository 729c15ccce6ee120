/// Scaled dot-product attention of 32-bit floats: Y = softmax(scale·Q·Kᵀ + mask)·V in every head.
///
/// A piece of work is a block of up to 128 queries of one head. It walks the keys in blocks of 256, of
/// which the scores, their softmax and the sums of values stay in the cache; up to 256 keys are one block,
/// and more are combined by an online softmax. K is transposed a block at a time; Q and V are read where
/// they are (V is copied, a block at a time, if its heads are not whole registers).
///
/// A query's bits depend on its own row, its keys and its mask: not on the batch, the number of queries
/// or the number of threads.
///
/// A query all of whose scores are -∞, or that has no keys, gives zeros, as PyTorch (from 2.5) and ONNX
/// Attention have it. A NaN or +∞ among its scores gives NaN. A key that a query may not see has the
/// weight 0, which is still multiplied with its value, as the definition has it: a NaN or infinity there
/// gives NaN, unless its whole block of keys lies behind all that a block of queries sees. ONNX Runtime
/// (1.32, Attention and MultiHeadAttention, with masks and causal) gives NaN as well.
package struct Attention: Sendable {
    /// How far apart, in elements, the neighbours of an axis are; the elements of a row are adjacent.
    package struct Strides: Sendable, Equatable {
        /// From one batch entry to the next.
        package var batch: Int
        /// From one head to the next.
        package var head: Int
        /// From one position in the sequence to the next.
        package var row: Int

        /// Takes the three distances.
        package init(batch: Int, head: Int, row: Int) {
            self.batch = batch
            self.head = head
            self.row = row
        }

        /// Dense [batch, heads, sequence, size].
        package static func headsFirst(heads: Int, sequence: Int, size: Int) -> Strides {
            Strides(batch: heads * sequence * size, head: sequence * size, row: size)
        }

        /// Dense [batch, sequence, heads, size].
        package static func sequenceFirst(heads: Int, sequence: Int, size: Int) -> Strides {
            Strides(batch: sequence * heads * size, head: size, row: heads * size)
        }

        internal func offset(_ batch: Int, _ head: Int, _ row: Int) -> Int {
            batch * self.batch + head * self.head + row * self.row
        }
    }

    /// The batch entries.
    package var batchCount: Int
    /// The heads of Q and Y.
    package var headCount: Int
    /// The heads of K and V: each serves `headCount / keyHeadCount` neighbouring heads of Q.
    package var keyHeadCount: Int
    /// The positions of Q and Y.
    package var queryCount: Int
    /// The positions of K and V.
    package var keyCount: Int
    /// The elements of a row of Q and K.
    package var size: Int
    /// The elements of a row of V and Y.
    package var valueSize: Int
    /// What the scores are multiplied with before the mask; 1/√size usually.
    package var scale: Float
    /// Whether query i sees the keys 0...i + pastCount only.
    package var isCausal: Bool
    /// How many keys come before the first query's own.
    package var pastCount: Int

    /// Describes attention with as many heads of K and V as of Q.
    package init(
        batchCount: Int,
        headCount: Int,
        queryCount: Int,
        keyCount: Int,
        size: Int,
        valueSize: Int? = nil,
        scale: Float? = nil,
        isCausal: Bool = false,
        pastCount: Int = 0
    ) {
        self.batchCount = batchCount
        self.headCount = headCount
        keyHeadCount = headCount
        self.queryCount = queryCount
        self.keyCount = keyCount
        self.size = size
        self.valueSize = valueSize ?? size
        self.scale = scale ?? 1 / Float(Swift.max(size, 1)).squareRoot()
        self.isCausal = isCausal
        self.pastCount = pastCount
    }

    /// How much scratch memory ``run(_:strides:keys:strides:values:strides:mask:into:strides:scratch:context:)``
    /// needs, in bytes.
    package func scratchByteCount(context: KernelContext) -> Int {
        partCount(context) * AttentionScratch(self, context.table).byteCount
    }

    /// Computes Y, dense rows of `valueSize`.
    ///
    /// - Parameters:
    ///   - queries: Q; its rows have `size` elements.
    ///   - queryStrides: How Q is laid out.
    ///   - keys: K; its rows have `size` elements.
    ///   - keyStrides: How K is laid out.
    ///   - values: V; its rows have `valueSize` elements.
    ///   - valueStrides: How V is laid out.
    ///   - mask: What is added to the scores, or which keys take part.
    ///   - output: Y; may not overlap the others.
    ///   - outputStrides: How Y is laid out.
    ///   - scratch: 64-byte aligned memory of ``scratchByteCount(context:)`` bytes; its contents are
    ///     lost.
    ///   - context: Where to run.
    @unsafe package func run(
        _ queries: UnsafePointer<Float>,
        strides queryStrides: Strides,
        keys: UnsafePointer<Float>,
        strides keyStrides: Strides,
        values: UnsafePointer<Float>,
        strides valueStrides: Strides,
        mask: AttentionMask = .none,
        into output: UnsafeMutablePointer<Float>,
        strides outputStrides: Strides,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        precondition(
            keyHeadCount > 0 && headCount % keyHeadCount == 0,
            "the heads of keys have to divide those of queries"
        )
        let pieceCount = pieceCount
        guard pieceCount > 0, valueSize > 0 else { return }
        let layout = AttentionScratch(self, context.table)
        let partCount = partCount(context)
        precondition(
            scratch.count >= partCount * layout.byteCount,
            "attention was given too little scratch memory"
        )
        let walk = unsafe AttentionWalk(
            attention: self,
            layout: layout,
            queries: queries,
            queryStrides: queryStrides,
            keys: keys,
            keyStrides: keyStrides,
            values: values,
            valueStrides: valueStrides,
            mask: mask,
            output: output,
            outputStrides: outputStrides,
            table: context.table
        )
        let pairs = Double(queryCount) * Double(keyCount) * Double(batchCount * headCount)
        let products = context.nanoseconds(multiplyAdds: pairs * Double(size + valueSize))
        context.forEach(
            partCount,
            nanosecondsPerPiece: (products + pairs * 0.4) / Double(partCount) + 50
        ) { parts in
            for part in parts {
                let memory = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: scratch[part * layout.byteCount..<(part + 1) * layout.byteCount]
                )
                for piece in part * pieceCount / partCount..<(part + 1) * pieceCount / partCount {
                    unsafe walk.run(piece, memory)
                }
            }
        }
    }

    /// The blocks of queries of one head, of about the same height.
    internal var queryBlockCount: Int { (queryCount + 127) / 128 }

    internal var queryBlockHeight: Int {
        let blocks = Swift.max(queryBlockCount, 1)
        return (queryCount + blocks - 1) / blocks
    }

    /// The most keys of one block; a query's sums depend on it.
    internal static let keyBlockCount = 256

    private var pieceCount: Int { batchCount * headCount * queryBlockCount }

    /// How many parts the pieces are cut into, each with scratch memory of its own.
    private func partCount(_ context: KernelContext) -> Int {
        Swift.min(pieceCount, context.scratchPartLimit)
    }
}
