import TernGraph
import TernKernels
import TernTensor

/// Matrix products.
///
/// A right-hand side that is a weight is packed once for the whole model.
enum MatrixOperators {
    static let all = [matMul, gemm]

    /// The types there are products of.
    private static let products = ElementType.floats.union([.int32, .int64, .uint32, .uint64])

    // MARK: MatMul

    static let matMul = OperatorDeclaration(
        "MatMul",
        versions: [1, 9, 13],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in try inferProductShape(&context) },
        kernel: { (context) throws(OperatorError) in
            let (left, right) = (try context.input(0), try context.input(1))
            guard let product = MatrixProduct(left: left.shape, right: right.shape) else {
                throw OperatorError("\(left.shape) cannot be multiplied by \(right.shape)")
            }
            let type = left.elementType
            if type == .fp32, right.rank == 2, right.constant != nil {
                let packed = try packedMatrix(
                    context,
                    rowCount: product.depth,
                    columnCount: product.columnCount
                )
                return try packedKernel(context, packed, rowCount: product.rowCount)
            }
            let scratch = product.scratchByteCount(elementType: type, context: context.kernels)
            return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
                guard
                    unsafe product.multiply(
                        frame.rawInput(0),
                        by: frame.rawInput(1),
                        into: frame.rawOutput(0),
                        elementType: type,
                        scratch: frame.scratch,
                        context: frame.context
                    )
                else { throw OperatorError("there is no product of \(type)") }
            }
        }
    )

    private static func inferProductShape(
        _ context: inout ShapeInferenceContext
    ) throws(OperatorError) {
        for index in 0...1 {
            try context.requireElementType(index, in: products)
        }
        context.setOutput(
            elementType: try context.commonElementType(of: 0...1),
            dimensions: try productDimensions(context.dimensions(0), context.dimensions(1))
        )
    }

    private static func packedKernel(
        _ context: NodeContext,
        _ packed: PackedMatrix,
        rowCount: Int
    ) throws(OperatorError) -> Kernel {
        let (depth, columns) = (packed.rowCount, packed.columnCount)
        let hasBias = try FusedProduct.hasBias(context, count: columns)
        let residual = try FusedProduct.residual(context)
        let activation = try FusedProduct.activation(of: context.node)
        return Kernel { (frame) throws(OperatorError) in
            unsafe GEMM.multiply(
                frame.input(0, as: Float.self),
                rowStride: depth,
                rowCount: rowCount,
                by: packed,
                into: frame.output(0, as: Float.self),
                rowStride: columns,
                epilogue: Epilogue(
                    bias: hasBias ? .perColumn(frame.input(2, as: Float.self)) : .none,
                    residual: residual.map {
                        unsafe MatrixAddend(frame.input($0, as: Float.self), rowStride: columns)
                    },
                    activation: activation
                ),
                context: frame.context
            )
        }
    }

    /// A product with a weight, and what follows it.
    static let fusedMatMul = OperatorDeclaration(
        "MatMul",
        domain: FusedProduct.domain,
        versions: [1, 9, 13],
        inputs: 2...4,
        aliasing: .inPlace(overInputs: [3]),
        shape: { (context) throws(OperatorError) in try inferProductShape(&context) },
        kernel: { (context) throws(OperatorError) in
            let (left, right) = (try context.input(0), try context.input(1))
            guard let product = MatrixProduct(left: left.shape, right: right.shape),
                left.elementType == .fp32, right.rank == 2
            else {
                throw OperatorError("\(left.shape) cannot be multiplied by \(right.shape)")
            }
            let packed = try packedMatrix(
                context,
                rowCount: product.depth,
                columnCount: product.columnCount
            )
            return try packedKernel(context, packed, rowCount: product.rowCount)
        }
    )

    /// Packs input 1, which is constant; once for the model if it is a weight.
    static func packedMatrix(
        _ context: NodeContext,
        rowCount: Int,
        columnCount: Int,
        isTransposed: Bool = false,
        scale: Float = 1
    ) throws(OperatorError) -> PackedMatrix {
        try context.packed(
            from: 1,
            variant: "matrix \(rowCount) \(columnCount) \(isTransposed) \(scale)"
        ) { (memory) throws(OperatorError) in
            guard let constant = context.inputs[1]?.constant else {
                throw OperatorError("input 1 must be known to be packed")
            }
            // SAFETY: the constant has rowCount · columnCount floats, as its shape says, and is kept
            // during the call.
            return withExtendedLifetime(constant) {
                unsafe PackedMatrix(
                    rowCount: rowCount,
                    columnCount: columnCount,
                    elements: UnsafeRawPointer(constant.storage.baseAddress)
                        .assumingMemoryBound(to: Float.self),
                    rowStride: isTransposed ? rowCount : columnCount,
                    isTransposed: isTransposed,
                    scale: scale,
                    table: context.kernels.table,
                    memory: memory
                )
            }
        }
    }

    /// The axes of a product by numpy's rules.
    static func productDimensions(
        _ left: [Dimension]?,
        _ right: [Dimension]?
    ) throws(OperatorError) -> [Dimension]? {
        guard let left, let right else { return nil }
        guard !left.isEmpty, !right.isEmpty else {
            throw OperatorError("a scalar cannot be multiplied as a matrix")
        }
        let rows = left.count > 1 ? left[left.count - 2] : nil
        let columns = right.count > 1 ? right[right.count - 1] : nil
        let (depth, otherDepth) = (left[left.count - 1], right[max(right.count - 2, 0)])
        guard !depth.isKnownDifferent(from: otherDepth) else {
            throw OperatorError(
                "\(ShapeInferenceContext.text(left)) cannot be multiplied by "
                    + "\(ShapeInferenceContext.text(right)): \(depth) columns meet \(otherDepth) rows"
            )
        }
        let batch = try ShapeInferenceContext.broadcast(
            Array(left.dropLast(2)),
            Array(right.dropLast(2))
        )
        return batch + [rows, columns].compactMap { $0 }
    }

    // MARK: Gemm

    static let gemm = gemmDeclaration(domain: "")

    /// Gemm with the activation that follows it.
    static let fusedGemm = gemmDeclaration(domain: FusedProduct.domain)

    private static func gemmDeclaration(domain: String) -> OperatorDeclaration {
        OperatorDeclaration(
            "Gemm",
            domain: domain,
            versions: [1, 6, 7, 9, 11, 13],
            inputs: 2...3,
            shape: { (context) throws(OperatorError) in try inferGemmShape(&context) },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                let gemm = try GemmKernel(context)
                let type = try context.input(0).elementType
                return type == .fp32 ? try gemm.kernel() : try gemm.plain().kernel(of: type)
            }
        )
    }

    private static func inferGemmShape(
        _ context: inout ShapeInferenceContext
    ) throws(OperatorError) {
        for index in 0..<context.inputCount {
            try context.requireElementType(index, in: products)
        }
        let type = try context.commonElementType(of: 0..<context.inputCount)
        try context.requireRank(0, in: 2...2)
        try context.requireRank(1, in: 2...2)
        let transA = try context.node.int("transA", default: 0) != 0
        let transB = try context.node.int("transB", default: 0) != 0
        let left = context.dimensions(0) ?? [.unknown, .unknown]
        let right = context.dimensions(1) ?? [.unknown, .unknown]
        let (rows, depth) = transA ? (left[1], left[0]) : (left[0], left[1])
        let (otherDepth, columns) = transB ? (right[1], right[0]) : (right[0], right[1])
        guard !depth.isKnownDifferent(from: otherDepth) else {
            throw OperatorError(
                "\(ShapeInferenceContext.text(left)) cannot be multiplied by "
                    + "\(ShapeInferenceContext.text(right)) with transA \(transA) and transB "
                    + "\(transB): \(depth) columns meet \(otherDepth) rows"
            )
        }
        context.setOutput(
            elementType: type,
            dimensions: [rows, columns]
        )
    }
}
