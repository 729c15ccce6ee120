import TernGraph
import TernTensor

/// Reads the type of a value.
enum TensorType {
    /// The elements' type and the axes that a type message gives.
    ///
    /// - Parameter message: The type; it must be a tensor's.
    /// - Returns: The elements' type, and the axes or `nil` if their number is left open.
    /// - Throws: ``ONNXError`` if it is not a tensor's, or of a type that Tern does not have.
    static func read(
        _ message: ONNXTypeProto
    ) throws(ONNXError) -> (elementType: ElementType, dimensions: [Dimension]?) {
        switch message.value {
        case .tensorType(let tensor):
            let elementType = try ElementType(onnx: tensor.elemType)
            guard tensor.hasShape else { return (elementType, nil) }
            guard tensor.shape.dim.count <= Shape.maximumRank else {
                throw .unsupported([
                    "a tensor with \(tensor.shape.dim.count) axes; at most \(Shape.maximumRank) "
                        + "are possible"
                ])
            }
            return (elementType, tensor.shape.dim.map(dimension))
        case .sequenceType: throw .unsupported(["a sequence; only tensors are supported"])
        case .mapType: throw .unsupported(["a map; only tensors are supported"])
        case .optionalType: throw .unsupported(["an optional; only tensors are supported"])
        case .sparseTensorType:
            throw .unsupported(["a sparse tensor; only dense tensors are supported"])
        case nil: throw .invalid(["its type is missing"])
        }
    }

    /// Reads an axis.
    ///
    /// Files say "any size" in many ways: nothing, an empty name, -1, and names that
    /// exporters give to every such axis, which must not be taken for one and the same size.
    private static func dimension(_ message: ONNXTensorShapeProto.Dimension) -> Dimension {
        switch message.value {
        case .dimValue(let size): size >= 0 ? .fixed(Int(size)) : .unknown
        case .dimParam(let name):
            switch name {
            case "", "?", "-1", "None", "null": .unknown
            default: .symbolic(name)
            }
        case nil: .unknown
        }
    }
}
