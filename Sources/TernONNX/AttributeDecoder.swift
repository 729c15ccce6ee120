import FoundationEssentials
import TernGraph
import TernTensor

/// Turns AttributeProtos into attributes.
struct AttributeDecoder {
    /// Reads tensors.
    let decoder: TensorDecoder
    /// Builds subgraphs; what is wrong in them is reported elsewhere.
    let graph: (ONNXGraphProto) -> Graph

    /// Reads an attribute.
    func attribute(from message: ONNXAttributeProto) throws(ONNXError) -> Attribute {
        guard !message.name.isEmpty else { throw .invalid(["it has no name"]) }
        guard message.refAttrName.isEmpty else {
            throw .invalid(["it refers to an attribute of a function, but is not in one"])
        }
        switch try type(of: message) {
        case .float: return .float(message.f)
        case .int: return .int(Int(message.i))
        case .string: return .string([UInt8](message.s))
        case .tensor: return .tensor(try decoder.tensor(from: message.t))
        case .graph: return .graph(graph(message.g))
        case .floats: return .floats(message.floats)
        case .ints: return .ints(message.ints.map { Int($0) })
        case .strings: return .strings(message.strings.map { [UInt8]($0) })
        case .tensors:
            var tensors: [Tensor] = []
            for tensor in message.tensors { tensors.append(try decoder.tensor(from: tensor)) }
            return .tensors(tensors)
        case .graphs: return .graphs(message.graphs.map(graph))
        case .sparseTensor, .sparseTensors: throw .unsupported(["a sparse tensor"])
        case .typeProto, .typeProtos: throw .unsupported(["a type as a value"])
        case .undefined: throw .invalid(["it has no type and no value"])
        }
    }

    /// The attribute's type: as the file says, or, in files of the format's first version, as its
    /// fields show.
    private func type(
        of message: ONNXAttributeProto
    ) throws(ONNXError) -> ONNXAttributeProto.AttributeType {
        let given: [(Bool, ONNXAttributeProto.AttributeType)] = [
            (message.hasF, .float), (message.hasI, .int), (message.hasS, .string),
            (message.hasT, .tensor), (message.hasG, .graph), (!message.floats.isEmpty, .floats),
            (!message.ints.isEmpty, .ints), (!message.strings.isEmpty, .strings),
            (!message.tensors.isEmpty, .tensors), (!message.graphs.isEmpty, .graphs),
        ]
        let present = given.filter(\.0).map(\.1)
        if message.hasType, message.type != .undefined {
            // Some writers put defaults into the single fields, so only a value that is missing
            // where one must be is refused.
            let needsValue: Bool =
                switch message.type {
                case .tensor, .graph: true
                default: false
                }
            guard !needsValue || present.contains(message.type) else {
                throw .invalid(["it is said to be of type \(message.type), but has no such value"])
            }
            return message.type
        }
        guard present.count == 1 else {
            throw .invalid(["it has no type and \(present.count) values"])
        }
        return present[0]
    }
}

/// What a Constant node stands for.
enum ConstantNode {
    /// The tensor that the attributes of a Constant node describe.
    static func tensor(from attributes: [String: Attribute]) throws(ONNXError) -> Tensor {
        guard attributes.count == 1, let (name, value) = attributes.first else {
            throw .invalid(["a Constant has one attribute, this has \(attributes.count)"])
        }
        switch (name, value) {
        case ("value", .tensor(let tensor)): return tensor
        case ("value_float", .float(let value)):
            return Tensor(elementType: .fp32, shape: [], values: [value])
        case ("value_floats", .floats(let values)):
            return Tensor(elementType: .fp32, shape: [values.count], values: values)
        case ("value_int", .int(let value)):
            return Tensor(elementType: .int64, shape: [], values: [Int64(value)])
        case ("value_ints", .ints(let values)):
            return Tensor(
                elementType: .int64,
                shape: [values.count],
                values: values.map { Int64($0) }
            )
        case ("value_string", .string(let value)): return Tensor(shape: [], byteStrings: [value])
        case ("value_strings", .strings(let values)):
            return Tensor(shape: [values.count], byteStrings: values)
        default:
            throw .invalid([
                "a Constant cannot have \(value.kind) as \(GraphLocation.printable(name))"
            ])
        }
    }
}
