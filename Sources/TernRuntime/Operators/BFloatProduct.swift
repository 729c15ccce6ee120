import TernGraph
import TernKernels
import TernTensor

/// Products with weights that are kept in bfloat16, and what follows them.
///
/// Y = activation(A · B + bias + residual). A is rounded to bfloat16 in each call; sums are of 32-bit
/// floats. Made by ``BFloatWeights``; models don't contain them.
enum BFloatProduct {
    static let all = [declaration]

    /// The operator's name, in the domain of Tern's own.
    static let name = "BFloatMatMul"

    /// The attribute that says that B is stored transposed.
    static let transposition = "transB"

    private static let declaration = OperatorDeclaration(
        name,
        domain: FusedProduct.domain,
        versions: [1],
        inputs: 2...4,
        aliasing: .inPlace(overInputs: [3]),
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: [.fp32])
            try context.requireElementType(1, in: [.bf16])
            try context.requireRank(1, in: 2...2)
            var right = context.dimensions(1)
            if try context.node.int(transposition, default: 0) != 0 {
                right = right.map { Array($0.reversed()) }
            }
            context.setOutput(
                elementType: .fp32,
                dimensions: try MatrixOperators.productDimensions(context.dimensions(0), right)
            )
        },
        kernel: { (context) throws(OperatorError) in try kernel(context) }
    )

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let isTransposed = try context.node.int(transposition, default: 0) != 0
        let (left, weight) = (try context.input(0), try context.input(1))
        let right = isTransposed ? Shape(weight.shape.reversed()) : weight.shape
        guard let product = MatrixProduct(left: left.shape, right: right),
            left.elementType == .fp32, weight.elementType == .bf16, right.rank == 2
        else { throw OperatorError("\(left.shape) cannot be multiplied by \(right)") }
        let packed = try pack(context, right, isTransposed)
        let (rows, depth, columns) = (product.rowCount, product.depth, product.columnCount)
        let hasBias = try FusedProduct.hasBias(context, count: columns)
        let residual = try FusedProduct.residual(context)
        let activation = try FusedProduct.activation(of: context.node)
        let scratch = BFloatGEMM.scratchByteCount(rowCount: rows, depth: depth)
        return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
            let output = unsafe frame.output(0, as: Float.self)
            if let residual {
                // The product is added to what the output holds.
                let source = unsafe frame.input(residual, as: Float.self)
                if unsafe source != UnsafePointer(output) {
                    unsafe output.update(from: source, count: rows * columns)
                }
            }
            unsafe BFloatGEMM.multiply(
                floats: frame.input(0, as: Float.self),
                rowStride: depth,
                rowCount: rows,
                by: packed,
                into: UnsafeMutableRawPointer(output),
                rowStride: columns,
                epilogue: Epilogue(
                    beta: residual == nil ? 0 : 1,
                    bias: hasBias ? .perColumn(frame.input(2, as: Float.self)) : .none,
                    activation: activation
                ),
                scratch: frame.scratch,
                context: frame.context
            )
        }
    }

    private static func pack(
        _ context: NodeContext,
        _ right: Shape,
        _ isTransposed: Bool
    ) throws(OperatorError) -> PackedBFloatMatrix {
        try context.packed(from: 1, variant: "bfloat \(right[0]) \(right[1]) \(isTransposed)") {
            (memory) throws(OperatorError) in
            guard let constant = context.inputs[1]?.constant else {
                throw OperatorError("input 1 must be known to be packed")
            }
            // SAFETY: the constant has as many numbers as its shape says, and is kept during the call.
            return withExtendedLifetime(constant) {
                unsafe PackedBFloatMatrix(
                    rowCount: right[0],
                    columnCount: right[1],
                    elements: UnsafeRawPointer(constant.storage.baseAddress)
                        .assumingMemoryBound(to: UInt16.self),
                    rowStride: isTransposed ? right[0] : right[1],
                    isTransposed: isTransposed,
                    table: context.kernels.table,
                    memory: memory
                )
            }
        }
    }
}
