internal import TernMicrokernels
package import TernTensor

/// The geometry of ONNX MatMul (numpy's `matmul`): ranks 1 and up, batch axes broadcast.
///
/// A vector on the left is a row, on the right a column; the axis it adds is left out of the
/// result. A value: make one per pair of shapes, use it for any number of calls.
package struct MatrixProduct: Sendable {
    /// The shape of the result.
    package let outputShape: Shape
    /// M; the batch of A is folded into it when B is a plain matrix.
    package let rowCount: Int
    /// N.
    package let columnCount: Int
    /// K.
    package let depth: Int
    /// The axes of the batch, broadcast; empty when folded.
    package let batchShape: Shape
    /// Elements to the next matrix of A along each batch axis, 0 where it is broadcast.
    private let leftStrides: InlineArray<8, Int>
    /// The same for B.
    private let rightStrides: InlineArray<8, Int>
    /// How many matrices A and B hold.
    private let leftCount: Int
    private let rightCount: Int

    /// Pairs two shapes; `nil` if they can't be multiplied.
    ///
    /// When B is a plain matrix, A's batch is folded into M (``batchShape`` is empty), so that a
    /// ``PackedMatrix`` serves the whole batch with one call of ``GEMM``.
    package init?(left: Shape, right: Shape) {
        guard left.rank >= 1, right.rank >= 1 else { return nil }
        let leftIsVector = left.rank == 1
        let rightIsVector = right.rank == 1
        let m = leftIsVector ? 1 : left[left.rank - 2]
        let k = left[left.rank - 1]
        let n = rightIsVector ? 1 : right[right.rank - 1]
        guard (rightIsVector ? right[0] : right[right.rank - 2]) == k else { return nil }
        let leftBatch = Shape(left.dropLast(leftIsVector ? 1 : 2))
        let rightBatch = Shape(right.dropLast(rightIsVector ? 1 : 2))
        guard let broadcast = Broadcast(leftBatch, rightBatch) else { return nil }
        var output = broadcast.outputShape
        if !leftIsVector { output.append(m) }
        if !rightIsVector { output.append(n) }
        guard output.checkedElementCount != nil, left.checkedElementCount != nil,
            right.checkedElementCount != nil
        else { return nil }
        outputShape = output
        columnCount = n
        depth = k
        leftCount = leftBatch.elementCount
        rightCount = rightBatch.elementCount
        if rightBatch.allSatisfy({ $0 == 1 }) {
            rowCount = leftCount * m
            batchShape = Shape()
            leftStrides = InlineArray(repeating: 0)
            rightStrides = InlineArray(repeating: 0)
        } else {
            rowCount = m
            batchShape = broadcast.outputShape
            leftStrides = Self.strides(of: leftBatch, in: batchShape, matrix: m * k)
            rightStrides = Self.strides(of: rightBatch, in: batchShape, matrix: k * n)
        }
    }

    private static func strides(
        of batch: Shape,
        in whole: Shape,
        matrix elementCount: Int
    ) -> InlineArray<8, Int> {
        var strides = InlineArray<8, Int>(repeating: 0)
        let dense = StridedCopy.denseStrides(batch)
        let added = whole.rank - batch.rank
        for axis in batch.indices where batch[axis] != 1 {
            strides[axis + added] = dense[axis] * elementCount
        }
        return strides
    }

    /// Whether there is a product of the element type.
    package static func supports(_ elementType: ElementType) -> Bool {
        switch elementType {
        case .fp32, .fp64, .fp16, .bf16, .int32, .int64, .uint32, .uint64, .int8, .uint8, .int16,
            .uint16:
            true
        case .bool, .bytes: false
        }
    }

    /// How many elements A, B and C have; folded or not.
    private var elementCounts: (left: Int, right: Int, output: Int) {
        let m = batchShape.isEmpty ? rowCount : leftCount * rowCount
        return (m * depth, rightCount * depth * columnCount, outputShape.elementCount)
    }

    /// How much scratch memory ``multiply(_:by:into:elementType:scratch:context:)`` needs.
    ///
    /// - Parameters:
    ///   - elementType: The type of the tensors.
    ///   - context: Where the product will run.
    /// - Returns: The number of bytes.
    package func scratchByteCount(elementType: ElementType, context: KernelContext) -> Int {
        switch elementType {
        case .fp32: return floatScratchByteCount(context)
        case .fp16, .bf16:
            let counts = elementCounts
            return GEMM.alignedByteCount(floats: counts.left)
                + GEMM.alignedByteCount(floats: counts.right)
                + GEMM.alignedByteCount(floats: counts.output) + floatScratchByteCount(context)
        default: return 0
        }
    }

    /// The scratch memory of one matrix product.
    private func partByteCount(_ context: KernelContext) -> Int {
        let bytes = GEMM.scratchByteCount(
            rowCount: rowCount,
            columnCount: columnCount,
            depth: depth,
            aIsTransposed: false,
            bIsTransposed: false,
            context: context
        )
        return (bytes + 63) & ~63
    }

    private func floatScratchByteCount(_ context: KernelContext) -> Int {
        partByteCount(context) * partCount(context)
    }

    /// How many parts the batch is cut into, each with scratch memory of its own.
    private func partCount(_ context: KernelContext) -> Int {
        let batchCount = batchShape.elementCount
        // Few matrices are shared out one after the other.
        return batchCount >= 2 * context.width
            ? Swift.min(batchCount, context.scratchPartLimit) : 1
    }

    /// Multiplies dense row-major tensors of `elementType`.
    ///
    /// FP32 runs on ``GEMM``; FP64 and integers on plain loops with the same order of additions;
    /// integers wrap. FP16 and BF16 are rounded once, from a 32-bit sum.
    ///
    /// - Parameters:
    ///   - left: A.
    ///   - right: B.
    ///   - output: C; may not overlap A or B.
    ///   - elementType: The type of all three.
    ///   - scratch: 64-byte aligned memory of ``scratchByteCount(elementType:context:)`` bytes.
    ///   - context: Where to run.
    /// - Returns: `false`, with nothing written, if there is no product for the element type.
    @discardableResult
    @unsafe package func multiply(
        _ left: UnsafeRawPointer,
        by right: UnsafeRawPointer,
        into output: UnsafeMutableRawPointer,
        elementType: ElementType,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) -> Bool {
        switch elementType {
        case .fp32:
            unsafe multiplyFloats(
                left.assumingMemoryBound(to: Float.self),
                right.assumingMemoryBound(to: Float.self),
                output.assumingMemoryBound(to: Float.self),
                scratch,
                context
            )
        case .fp16, .bf16: unsafe multiplyHalves(left, right, output, elementType, scratch, context)
        case .fp64:
            unsafe multiplyPlain(left, right, output, of: Double.self, context) { $0 + $1 * $2 }
        case .int8, .uint8:
            unsafe multiplyPlain(left, right, output, of: UInt8.self, context) { $0 &+ $1 &* $2 }
        case .int16, .uint16:
            unsafe multiplyPlain(left, right, output, of: UInt16.self, context) { $0 &+ $1 &* $2 }
        case .int32, .uint32:
            unsafe multiplyPlain(left, right, output, of: UInt32.self, context) { $0 &+ $1 &* $2 }
        case .int64, .uint64:
            unsafe multiplyPlain(left, right, output, of: UInt64.self, context) { $0 &+ $1 &* $2 }
        case .bool, .bytes: return false
        }
        return true
    }

    /// Where the matrices of one batch index start.
    package func offsets(_ index: Int) -> (left: Int, right: Int) {
        var rest = index
        var left = 0
        var right = 0
        for axis in batchShape.indices.reversed() {
            let (quotient, position) = rest.quotientAndRemainder(dividingBy: batchShape[axis])
            rest = quotient
            left += position * leftStrides[axis]
            right += position * rightStrides[axis]
        }
        return (left, right)
    }

    @unsafe private func multiplyFloats(
        _ left: UnsafePointer<Float>,
        _ right: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ context: KernelContext
    ) {
        let batchCount = batchShape.elementCount
        let partCount = partCount(context)
        let partByteCount = partByteCount(context)
        precondition(
            scratch.count >= partCount * partByteCount,
            "a matrix product was given too little scratch memory"
        )
        if partCount == 1 {
            for index in 0..<batchCount {
                unsafe multiplyOne(index, left, right, output, scratch, context)
            }
            return
        }
        let cost = context.nanoseconds(
            multiplyAdds: Double(rowCount) * Double(columnCount) * Double(depth)
        )
        let inline = context.inline
        context.forEach(
            partCount,
            nanosecondsPerPiece: cost * Double(batchCount) / Double(partCount)
        ) { parts in
            for part in parts {
                let memory = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: scratch[part * partByteCount..<(part + 1) * partByteCount]
                )
                for index in part * batchCount / partCount..<(part + 1) * batchCount / partCount {
                    unsafe multiplyOne(index, left, right, output, memory, inline)
                }
            }
        }
    }

    @unsafe private func multiplyOne(
        _ index: Int,
        _ left: UnsafePointer<Float>,
        _ right: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ context: KernelContext
    ) {
        let offset = offsets(index)
        unsafe GEMM.multiply(
            MatrixView(left + offset.left, rowStride: depth),
            by: MatrixView(right + offset.right, rowStride: columnCount),
            rowCount: rowCount,
            columnCount: columnCount,
            depth: depth,
            into: output + index * rowCount * columnCount,
            rowStride: columnCount,
            scratch: scratch,
            context: context
        )
    }

    /// 16-bit floats through 32-bit ones, rounded once at the end.
    @unsafe private func multiplyHalves(
        _ left: UnsafeRawPointer,
        _ right: UnsafeRawPointer,
        _ output: UnsafeMutableRawPointer,
        _ elementType: ElementType,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ context: KernelContext
    ) {
        let counts = elementCounts
        var memory = unsafe ScratchMemory(
            scratch,
            needed: scratchByteCount(elementType: elementType, context: context)
        )
        let a = unsafe memory.floats(counts.left)
        let b = unsafe memory.floats(counts.right)
        let c = unsafe memory.floats(counts.output)
        let rest = floatScratchByteCount(context)
        unsafe Elementwise.cast(
            left,
            of: elementType,
            into: a,
            of: .fp32,
            count: counts.left,
            context: context
        )
        unsafe Elementwise.cast(
            right,
            of: elementType,
            into: b,
            of: .fp32,
            count: counts.right,
            context: context
        )
        unsafe multiplyFloats(
            a,
            b,
            c,
            UnsafeMutableRawBufferPointer(start: memory.bytes(rest), count: rest),
            context
        )
        unsafe Elementwise.cast(
            c,
            of: .fp32,
            into: output,
            of: elementType,
            count: counts.output,
            context: context
        )
    }

    @unsafe private func multiplyPlain<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ left: UnsafeRawPointer,
        _ right: UnsafeRawPointer,
        _ output: UnsafeMutableRawPointer,
        of type: Element.Type,
        _ context: KernelContext,
        _ multiplyAdd: (Element, Element, Element) -> Element
    ) {
        let a = unsafe left.assumingMemoryBound(to: Element.self)
        let b = unsafe right.assumingMemoryBound(to: Element.self)
        let c = unsafe output.assumingMemoryBound(to: Element.self)
        let rows = batchShape.elementCount * rowCount
        let cost = Double(columnCount) * Double(depth)
        context.forEach(
            rows,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for index in range {
                let (matrix, row) = index.quotientAndRemainder(dividingBy: rowCount)
                let offset = offsets(matrix)
                let target = unsafe c + index * columnCount
                for n in 0..<columnCount { unsafe target[n] = 0 }
                for k in 0..<depth {
                    let x = unsafe a[offset.left + row * depth + k]
                    let source = unsafe b + (offset.right + k * columnCount)
                    for n in 0..<columnCount {
                        unsafe target[n] = multiplyAdd(target[n], x, source[n])
                    }
                }
            }
        }
    }
}
