import TernGraph
import TernTensor

/// Writes graphs, tensors and shapes into a structure; tensors' bytes become blobs.
struct GraphEncoder {
    var writer = ByteWriter()
    var blobs = BlobCollector()

    /// What stands for an operand that is left out.
    static let nothing = UInt32.max

    mutating func write(_ graph: Graph) {
        writer.write(graph.name)
        let versions = graph.operatorSetVersions.sorted { $0.key < $1.key }
        writer.writeList(versions) { writer, entry in
            writer.write(entry.key)
            writer.write(entry.value)
        }
        writer.write(count: graph.values.count)
        for value in graph.values { write(value) }
        let initializers = graph.initializers.sorted { $0.key < $1.key }
        writer.write(count: initializers.count)
        for (id, tensor) in initializers {
            writer.write(UInt32(id.index))
            write(tensor)
        }
        writer.writeList(graph.captures) { writer, capture in
            writer.write(UInt32(capture.outer.index))
            writer.write(UInt32(capture.inner.index))
        }
        for ports in [graph.inputs, graph.outputs] {
            writer.writeList(ports) { writer, port in
                writer.write(port.name)
                writer.write(UInt32(port.value.index))
            }
        }
        writer.write(count: graph.nodes.count)
        for node in graph.nodes { write(node) }
    }

    private mutating func write(_ value: Value) {
        writer.write(value.name)
        writer.write(value.elementType?.rawValue ?? 0)
        guard let dimensions = value.dimensions else {
            writer.write(UInt8(0))
            return
        }
        writer.write(UInt8(1))
        writer.writeList(dimensions) { writer, dimension in
            switch dimension {
            case .unknown: writer.write(UInt8(0))
            case .fixed(let size):
                writer.write(UInt8(1))
                writer.write(size)
            case .symbolic(let name):
                writer.write(UInt8(2))
                writer.write(name)
            }
        }
    }

    private mutating func write(_ node: Node) {
        writer.write(node.name)
        writer.write(node.domain)
        writer.write(node.operatorName)
        writer.write(node.operatorSetVersion)
        for ids in [node.inputs, node.outputs] {
            writer.writeList(ids) { writer, id in
                writer.write(id.map { UInt32($0.index) } ?? Self.nothing)
            }
        }
        let attributes = node.attributes.sorted { $0.key < $1.key }
        writer.write(count: attributes.count)
        for (name, attribute) in attributes {
            writer.write(name)
            write(attribute)
        }
    }

    private mutating func write(_ attribute: Attribute) {
        writer.write(AttributeTag(attribute).rawValue)
        switch attribute {
        case .int(let value): writer.write(value)
        case .float(let value): writer.write(value)
        case .string(let value): writer.write(value)
        case .tensor(let value): write(value)
        case .graph(let value): write(value)
        case .ints(let values): writer.writeList(values) { $0.write($1) }
        case .floats(let values): writer.writeList(values) { $0.write($1) }
        case .strings(let values): writer.writeList(values) { $0.write($1) }
        case .tensors(let values):
            writer.write(count: values.count)
            for value in values { write(value) }
        case .graphs(let values):
            writer.write(count: values.count)
            for value in values { write(value) }
        }
    }

    mutating func write(_ tensor: Tensor) {
        writer.write(tensor.elementType.rawValue)
        write(tensor.shape)
        writer.write(UInt32(blobs.index(of: tensor.storage)))
    }

    mutating func write(_ shape: Shape) {
        writer.write(UInt8(shape.rank))
        for size in shape { writer.write(size) }
    }
}

/// The kinds of attributes, as they are numbered in the file.
enum AttributeTag: UInt8 {
    case int, float, string, tensor, graph, ints, floats, strings, tensors, graphs

    init(_ attribute: Attribute) {
        self =
            switch attribute {
            case .int: .int
            case .float: .float
            case .string: .string
            case .tensor: .tensor
            case .graph: .graph
            case .ints: .ints
            case .floats: .floats
            case .strings: .strings
            case .tensors: .tensors
            case .graphs: .graphs
            }
    }
}
