/// Matrices at regular distances, on two levels: say of sequences, and of the heads of each.
@safe package struct MatrixBatch {
    /// The matrix (0, 0); all have its row stride and are transposed if it is.
    package let first: MatrixView
    /// From a matrix to the one of the next outer index, in elements; 0 repeats it.
    package let outerStride: Int
    /// From a matrix to the one of the next inner index.
    package let innerStride: Int

    /// Describes a batch.
    @unsafe package init(_ first: MatrixView, outerStride: Int, innerStride: Int) {
        self.first = first
        self.outerStride = outerStride
        self.innerStride = innerStride
    }

    @unsafe fileprivate func matrix(_ outer: Int, _ inner: Int) -> MatrixView {
        unsafe MatrixView(
            first.elements + (outer * outerStride + inner * innerStride),
            rowStride: first.rowStride,
            isTransposed: first.isTransposed
        )
    }
}

/// The sizes of the products of a batch.
package struct BatchShape: Hashable, Sendable {
    /// How many outer indices there are, and inner ones for each.
    package let outerCount: Int
    package let innerCount: Int
    /// M, N and K of each product.
    package let rowCount: Int
    package let columnCount: Int
    package let depth: Int

    /// Names the sizes.
    package init(outerCount: Int, innerCount: Int, rowCount: Int, columnCount: Int, depth: Int) {
        precondition(outerCount >= 0 && innerCount >= 0, "a batch cannot have a negative size")
        self.outerCount = outerCount
        self.innerCount = innerCount
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.depth = depth
    }

    fileprivate var count: Int { outerCount * innerCount }
}

extension GEMM {
    /// How many parts a batch is cut into, each with scratch memory of its own; 1 if the threads share
    /// out each matrix instead.
    private static func partCount(_ shape: BatchShape, _ context: KernelContext) -> Int {
        shape.count >= 2 * context.width ? Swift.min(shape.count, context.scratchPartLimit) : 1
    }

    private static func partByteCount(
        _ shape: BatchShape,
        aIsTransposed: Bool,
        bIsTransposed: Bool,
        _ context: KernelContext
    ) -> Int {
        let bytes = scratchByteCount(
            rowCount: shape.rowCount,
            columnCount: shape.columnCount,
            depth: shape.depth,
            aIsTransposed: aIsTransposed,
            bIsTransposed: bIsTransposed,
            context: context
        )
        return (bytes + 63) & ~63
    }

    /// How much scratch memory
    /// ``multiplyBatch(_:by:shape:into:rowStride:outerStride:innerStride:epilogue:scratch:context:)``
    /// needs, in bytes.
    package static func batchScratchByteCount(
        _ shape: BatchShape,
        aIsTransposed: Bool,
        bIsTransposed: Bool,
        context: KernelContext
    ) -> Int {
        partCount(shape, context)
            * partByteCount(
                shape,
                aIsTransposed: aIsTransposed,
                bIsTransposed: bIsTransposed,
                context
            )
    }

    /// Multiplies the matrices of two batches: C[o, i] = A[o, i] · B[o, i], each product as in
    /// ``multiply(_:by:rowCount:columnCount:depth:into:rowStride:epilogue:scratch:context:)``.
    ///
    /// For attention over [sequence, position, head, feature] without a copy: the heads are the inner
    /// level, the row stride is that of positions; Kᵀ is B transposed, and the scale alpha.
    ///
    /// - Parameters:
    ///   - a: The left matrices.
    ///   - b: The right matrices.
    ///   - shape: How many, and how large.
    ///   - c: C[0, 0]; the products may not overlap each other, A or B.
    ///   - cRowStride: The distance between rows of each product, at least N.
    ///   - cOuterStride: From a product to the one of the next outer index, in elements.
    ///   - cInnerStride: From a product to the one of the next inner index.
    ///   - epilogue: The same for all; a residual is not possible.
    ///   - scratch: As many bytes as
    ///     ``batchScratchByteCount(_:aIsTransposed:bIsTransposed:context:)`` says, 64-byte aligned.
    ///   - context: Where to run.
    @unsafe package static func multiplyBatch(
        _ a: MatrixBatch,
        by b: MatrixBatch,
        shape: BatchShape,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        outerStride cOuterStride: Int,
        innerStride cInnerStride: Int,
        epilogue: Epilogue = Epilogue(),
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        precondition(epilogue.residual == nil, "the products of a batch have no common residual")
        let count = shape.count
        let partCount = partCount(shape, context)
        let byteCount = partByteCount(
            shape,
            aIsTransposed: a.first.isTransposed,
            bIsTransposed: b.first.isTransposed,
            context
        )
        precondition(
            scratch.count >= partCount * byteCount,
            "a batch of products was given too little scratch memory"
        )
        let partContext = partCount == 1 ? context : context.inline
        let run: (Range<Int>) -> Void = { parts in
            for part in parts {
                let memory = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: scratch[part * byteCount..<(part + 1) * byteCount]
                )
                for index in part * count / partCount..<(part + 1) * count / partCount {
                    let (outer, inner) = index.quotientAndRemainder(dividingBy: shape.innerCount)
                    unsafe multiply(
                        a.matrix(outer, inner),
                        by: b.matrix(outer, inner),
                        rowCount: shape.rowCount,
                        columnCount: shape.columnCount,
                        depth: shape.depth,
                        into: c + (outer * cOuterStride + inner * cInnerStride),
                        rowStride: cRowStride,
                        epilogue: epilogue,
                        scratch: memory,
                        context: partContext
                    )
                }
            }
        }
        guard partCount > 1 else { return run(0..<1) }
        let cost = context.nanoseconds(
            multiplyAdds: Double(shape.rowCount) * Double(shape.columnCount) * Double(shape.depth)
        )
        context.forEach(
            partCount,
            nanosecondsPerPiece: cost * Double(count) / Double(partCount),
            run
        )
    }
}
