import TernGraph
import TernKernels
import TernTensor

/// The product of bytes with a weight, scaled to floats, with what follows it: as ``IntegerProductFusion``
/// makes it of MatMulInteger, Cast and Mul.
///
/// Inputs: A, B, and their zero points, as of MatMulInteger; a scale for all or for each column; perhaps
/// a bias for each column. The sums are rounded to floats, scaled, and added to, each rounded by itself, so
/// that the bits are those of the parts.
enum FusedIntegerProduct {
    static let operatorName = "MatMulInteger"

    static let all = [
        OperatorDeclaration(
            operatorName,
            domain: FusedProduct.domain,
            versions: [1],
            inputs: 5...6,
            optionalInputs: [2, 3],
            shape: { (context) throws(OperatorError) in
                for index in 0..<4 where context.hasInput(index) {
                    try context.requireElementType(index, in: QuantizationOperators.bytes)
                }
                for index in 4..<context.inputCount {
                    try context.requireElementType(index, in: [.fp32])
                }
                context.setOutput(
                    elementType: .fp32,
                    dimensions: try MatrixOperators.productDimensions(
                        context.dimensions(0),
                        context.dimensions(1)
                    )
                )
            },
            kernel: { (context) throws(OperatorError) in try kernel(context) }
        )
    ]

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let product = try ByteProduct(context, left: (0, zero: 2), right: (1, zero: 3))
        guard product.isPacked else { throw OperatorError("the weight must be known") }
        let scaleCount = try context.input(4).elementCount
        let hasBias = context.hasInput(5)
        guard scaleCount == 1 || scaleCount == product.columnCount else {
            throw OperatorError("\(scaleCount) scales do not fit \(product.columnCount) columns")
        }
        if hasBias, try context.input(5).elementCount != product.columnCount {
            throw OperatorError("the bias does not fit the \(product.columnCount) columns")
        }
        let activation = try FusedProduct.activation(of: context.node)
        return Kernel(scratchByteCount: product.scratchByteCount) { (frame) throws(OperatorError) in
            let scales = unsafe frame.input(4, as: Float.self)
            unsafe product.multiply(
                frame,
                intoFloats: frame.output(0, as: Float.self),
                scaling: IntegerScaling(
                    scale: scaleCount == 1 ? scales[0] : 1,
                    columnScales: scaleCount == 1 ? nil : scales,
                    bias: hasBias ? frame.input(5, as: Float.self) : nil,
                    activation: activation
                ),
                scratch: frame.scratch
            )
        }
    }
}
