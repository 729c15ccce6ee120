import TernGraph
import TernKernels
import TernTensor

/// Products X · W with a weight of bytes [directions, depth, columns], packed beforehand; X is
/// quantised in each call, all its rows with one scale, as DynamicQuantizeLinear does.
struct ByteWeightProduct: Sendable {
    private let depth: Int
    private let columnCount: Int
    private let packed: [PackedIntegerMatrix]
    /// One for each direction, or one for each column of each direction.
    private let scales: Tensor

    /// Packs the weight.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - input: Which input is the weight.
    ///   - scale: Which input has its scales.
    ///   - zero: Which input has its zero points.
    /// - Throws: ``OperatorError`` if one of them depends on the call or does not fit.
    init(
        _ context: NodeContext,
        input: Int,
        scale: Int,
        zero: Int
    ) throws(OperatorError) {
        let shape = try context.input(input).shape
        let (directions, depth, columns) = (shape[0], shape[1], shape[2])
        self.depth = depth
        columnCount = columns
        guard let weight = try context.input(input).constant,
            let scales = try context.input(scale).constant,
            let zeros = try context.input(zero).constant, let points = zeros.integerElements
        else {
            throw OperatorError(
                "inputs \(input), \(scale) and \(zero), the weights with their scales and zero "
                    + "points, must be known beforehand"
            )
        }
        for (index, found) in [
            (scale, scales.shape.elementCount), (zero, zeros.shape.elementCount),
        ] where found != directions && found != directions * columns {
            throw OperatorError(
                "input \(index) has \(found) elements, expected \(directions) or "
                    + "\(directions * columns)"
            )
        }
        guard scales.elementType == .fp32 else {
            throw OperatorError("input \(scale) is \(scales.elementType), expected FP32")
        }
        self.scales = scales
        packed = try context.packed(
            from: input,
            variant: "columns \(QuantizedParameters.key(points))"
        ) {
            (memory) throws(OperatorError) in
            withExtendedLifetime(weight) {
                (0..<directions).map { direction in
                    let own = (0..<columns).map { column in
                        Int32(
                            points.count == directions
                                ? points[direction] : points[direction * columns + column]
                        )
                    }
                    // SAFETY: the weight has depth · columns bytes per direction, as its shape says.
                    return unsafe own.withUnsafeBufferPointer { own in
                        unsafe PackedIntegerMatrix(
                            rowCount: depth,
                            columnCount: columns,
                            elements: ByteMatrix(
                                UnsafeRawPointer(weight.storage.baseAddress)
                                    + direction * depth * columns,
                                rowStride: columns,
                                isSigned: weight.elementType == .int8,
                                zeroPoints: own.baseAddress
                            ),
                            table: context.kernels.table,
                            memory: memory
                        )
                    }
                }
            }
        }
    }

    private func byteCounts(_ rowCount: Int) -> (bytes: Int, sums: Int) {
        (
            (rowCount * depth + 63) & ~63,
            (rowCount * columnCount * MemoryLayout<Float>.stride + 63) & ~63
        )
    }

    /// How much scratch memory a product of so many rows needs.
    func scratchByteCount(_ rowCount: Int) -> Int {
        let (bytes, sums) = byteCounts(rowCount)
        return 64 + bytes + sums
    }

    /// Multiplies.
    @unsafe func multiply(
        _ direction: Int,
        _ a: UnsafePointer<Float>,
        rowCount: Int,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue,
        scratch: UnsafeMutableRawBufferPointer,
        _ frame: borrowing KernelFrame
    ) {
        guard rowCount > 0, columnCount > 0, let base = scratch.baseAddress else { return }
        precondition(
            scratch.count >= scratchByteCount(rowCount),
            "a product of bytes has too little scratch memory"
        )
        let count = rowCount * depth
        let range = unsafe LinearQuantization.dynamicRange(a, count: count, context: frame.context)
        let scale = unsafe base.assumingMemoryBound(to: Float.self)
        let zero = unsafe (base + 32).assumingMemoryBound(to: Int32.self)
        unsafe scale[0] = range.scale
        unsafe zero[0] = Int32(range.zeroPoint)
        let bytes = unsafe base + 64
        unsafe LinearQuantization(outerCount: count, axisCount: 1, innerCount: 1).quantize(
            a,
            scales: UnsafePointer(scale),
            zeros: UnsafePointer(zero),
            isSigned: false,
            into: bytes,
            context: frame.context
        )
        let own = unsafe UnsafePointer(
            scales.storage.baseAddress.assumingMemoryBound(to: Float.self)
        )
        var scaling = unsafe IntegerScaling(scale: range.scale)
        if scales.shape.elementCount == packed.count {
            unsafe scaling.scale *= own[direction]
        } else {
            unsafe scaling.columnScales = own + direction * columnCount
        }
        if case .perColumn(let bias) = epilogue.bias { unsafe scaling.bias = bias }
        let adds = epilogue.beta != 0
        let sums = unsafe (bytes + byteCounts(rowCount).bytes)
            .assumingMemoryBound(to: Float.self)
        let context = frame.context
        withExtendedLifetime(scales) {
            unsafe IntegerGEMM.multiply(
                ByteMatrix(
                    bytes,
                    rowStride: depth,
                    isSigned: false,
                    zeroPoint: Int32(range.zeroPoint)
                ),
                rowCount: rowCount,
                by: packed[direction],
                into: adds ? sums : c,
                rowStride: adds ? columnCount : cRowStride,
                scaling: scaling,
                context: context
            )
        }
        guard adds else { return }
        for row in 0..<rowCount {
            // SAFETY: both have this many rows of `columnCount` floats.
            let source = unsafe sums + row * columnCount
            let target = unsafe c + row * cRowStride
            for column in 0..<columnCount { unsafe target[column] += source[column] }
        }
    }
}
