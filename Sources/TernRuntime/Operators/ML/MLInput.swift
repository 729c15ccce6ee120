import TernGraph
import TernKernels
import TernTensor

/// The features that an ai.onnx.ml operator takes: [rows, features] of any number type, read as
/// 32-bit floats.
struct MLInput: Sendable {
    static let domain = "ai.onnx.ml"
    static let types: Set<ElementType> = [.fp32, .fp64, .int32, .int64]

    let rowCount: Int
    let featureCount: Int
    private let elementType: ElementType

    init(_ context: NodeContext) throws(OperatorError) {
        let input = try context.input(0)
        elementType = input.elementType
        // A vector is one row.
        rowCount = input.rank > 1 ? input.shape.dropLast().reduce(1, *) : 1
        featureCount = input.shape.last ?? 1
    }

    /// The axes of [rows, features]; a vector is one row.
    static func dimensions(
        _ context: ShapeInferenceContext
    ) throws(OperatorError) -> (rows: Dimension, features: Dimension) {
        try context.requireElementType(0, in: types)
        guard let dimensions = context.dimensions(0) else { return (.unknown, .unknown) }
        guard (1...2).contains(dimensions.count) else {
            throw OperatorError(
                "\(context.describe(0)) is \(ShapeInferenceContext.text(dimensions)), expected "
                    + "[rows, features]"
            )
        }
        return (dimensions.count == 2 ? dimensions[0] : .fixed(1), dimensions[dimensions.count - 1])
    }

    /// How much scratch memory a conversion needs.
    var scratchByteCount: Int {
        elementType == .fp32 ? 0 : (rowCount * featureCount * 4 + 63) & ~63
    }

    /// The features as floats: in place, or converted into the start of the scratch memory.
    @unsafe func floats(
        _ frame: borrowing KernelFrame
    ) throws(OperatorError)
        -> UnsafePointer<Float>
    {
        if elementType == .fp32 { return unsafe frame.input(0, as: Float.self) }
        guard let scratch = unsafe frame.scratch.baseAddress,
            unsafe Elementwise.cast(
                frame.rawInput(0),
                of: elementType,
                into: scratch,
                of: .fp32,
                count: rowCount * featureCount,
                context: frame.context
            )
        else { throw OperatorError("features of \(elementType) cannot be read") }
        return unsafe UnsafePointer(scratch.assumingMemoryBound(to: Float.self))
    }
}
