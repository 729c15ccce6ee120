import TernGraph
import TernTensor

/// Reads graphs, tensors and shapes from a structure; tensors are views of blobs.
struct GraphDecoder: ~Escapable {
    var reader: ByteReader
    let blobs: BlobTable

    @_lifetime(copy reader)
    init(_ reader: consuming ByteReader, blobs: BlobTable) {
        self.reader = reader
        self.blobs = blobs
    }

    /// Reads a graph; whether it holds together, ``Graph/validate()`` says.
    @_lifetime(self: copy self)
    mutating func readGraph(depth: Int = 0) throws(ArtefactError) -> Graph {
        guard depth <= ArtefactFormat.subgraphDepthLimit else {
            throw .invalid(
                "subgraphs are nested more than \(ArtefactFormat.subgraphDepthLimit) deep"
            )
        }
        var graph = Graph(name: try reader.readText())
        for _ in 0..<(try reader.readCount(elementByteCount: 12)) {
            let domain = try reader.readText()
            graph.operatorSetVersions[domain] = try reader.readInt()
        }
        let valueCount = try reader.readCount(elementByteCount: 6)
        graph.values.reserveCapacity(valueCount)
        for _ in 0..<valueCount { graph.values.append(try readValue()) }
        for _ in 0..<(try reader.readCount(elementByteCount: 10)) {
            let id = try readID(among: valueCount)
            guard graph.initializers.updateValue(try readTensor(), forKey: id) == nil else {
                throw .invalid("the value \(id.index) has two initializers")
            }
        }
        for _ in 0..<(try reader.readCount(elementByteCount: 8)) {
            // Where the capture comes from is the enclosing graph's to check.
            let outer = ValueID(Int(try reader.read() as UInt32))
            graph.captures.append(Capture(outer: outer, inner: try readID(among: valueCount)))
        }
        graph.inputs = try readPorts(valueCount)
        graph.outputs = try readPorts(valueCount)
        let nodeCount = try reader.readCount(elementByteCount: 32)
        graph.nodes.reserveCapacity(nodeCount)
        for _ in 0..<nodeCount { graph.nodes.append(try readNode(valueCount, depth: depth)) }
        return graph
    }

    @_lifetime(self: copy self)
    private mutating func readID(among count: Int) throws(ArtefactError) -> ValueID {
        let index: UInt32 = try reader.read()
        guard index < count else {
            throw .invalid("expected one of \(count) values, found number \(index)")
        }
        return ValueID(Int(index))
    }

    @_lifetime(self: copy self)
    private mutating func readPorts(_ valueCount: Int) throws(ArtefactError) -> [Port] {
        var ports: [Port] = []
        for _ in 0..<(try reader.readCount(elementByteCount: 8)) {
            let name = try reader.readText()
            ports.append(Port(name: name, value: try readID(among: valueCount)))
        }
        return ports
    }

    @_lifetime(self: copy self)
    private mutating func readElementType() throws(ArtefactError) -> ElementType {
        let code: UInt8 = try reader.read()
        guard let type = ElementType(rawValue: code) else {
            throw .invalid("expected the code of an element type, found \(code)")
        }
        return type
    }

    @_lifetime(self: copy self)
    private mutating func readValue() throws(ArtefactError) -> Value {
        var value = Value(name: try reader.readText())
        guard !value.name.isEmpty else { throw .invalid("a value has no name") }
        let code: UInt8 = try reader.read()
        if code != 0 {
            guard let type = ElementType(rawValue: code) else {
                throw .invalid("expected the code of an element type, found \(code)")
            }
            value.elementType = type
        }
        guard try reader.readTag("whether there are dimensions", upTo: 1) == 1 else { return value }
        var dimensions: [Dimension] = []
        for _ in 0..<(try reader.readCount(elementByteCount: 1)) {
            switch try reader.readTag("a kind of dimension", upTo: 2) {
            case 0: dimensions.append(.unknown)
            case 1:
                let size = try reader.readInt()
                guard size >= 0 else { throw .invalid("a dimension is \(size)") }
                dimensions.append(.fixed(size))
            default: dimensions.append(.symbolic(try reader.readText()))
            }
        }
        guard dimensions.count <= Shape.maximumRank else {
            throw .invalid(
                "expected at most \(Shape.maximumRank) axes, found \(dimensions.count)"
            )
        }
        value.dimensions = dimensions
        return value
    }

    @_lifetime(self: copy self)
    private mutating func readNode(
        _ valueCount: Int,
        depth: Int
    ) throws(ArtefactError) -> Node {
        var node = Node(
            name: try reader.readText(),
            domain: try reader.readText(),
            operatorName: try reader.readText(),
            operatorSetVersion: try reader.readInt(),
            inputs: [],
            outputs: []
        )
        node.inputs = try readOperands(valueCount)
        node.outputs = try readOperands(valueCount)
        for _ in 0..<(try reader.readCount(elementByteCount: 6)) {
            let name = try reader.readText()
            let attribute = try readAttribute(depth: depth)
            guard node.attributes.updateValue(attribute, forKey: name) == nil else {
                throw .invalid(
                    "the attribute \(GraphLocation.printable(name)) is given twice"
                )
            }
        }
        return node
    }

    @_lifetime(self: copy self)
    private mutating func readOperands(_ valueCount: Int) throws(ArtefactError) -> [ValueID?] {
        var operands: [ValueID?] = []
        for _ in 0..<(try reader.readCount(elementByteCount: 4)) {
            let index: UInt32 = try reader.read()
            guard index != GraphEncoder.nothing else {
                operands.append(nil)
                continue
            }
            guard index < valueCount else {
                throw .invalid("expected one of \(valueCount) values, found number \(index)")
            }
            operands.append(ValueID(Int(index)))
        }
        return operands
    }

    @_lifetime(self: copy self)
    private mutating func readAttribute(depth: Int) throws(ArtefactError) -> Attribute {
        let code: UInt8 = try reader.read()
        guard let tag = AttributeTag(rawValue: code) else {
            throw .invalid("expected the kind of an attribute, found \(code)")
        }
        switch tag {
        case .int: return .int(try reader.readInt())
        case .float: return .float(try reader.readFloat())
        case .string: return .string(try reader.readBytes())
        case .tensor: return .tensor(try readTensor())
        case .graph: return .graph(try readGraph(depth: depth + 1))
        case .ints:
            var values: [Int] = []
            for _ in 0..<(try reader.readCount(elementByteCount: 8)) {
                values.append(try reader.readInt())
            }
            return .ints(values)
        case .floats:
            var values: [Float] = []
            for _ in 0..<(try reader.readCount(elementByteCount: 4)) {
                values.append(try reader.readFloat())
            }
            return .floats(values)
        case .strings:
            var values: [[UInt8]] = []
            for _ in 0..<(try reader.readCount(elementByteCount: 4)) {
                values.append(try reader.readBytes())
            }
            return .strings(values)
        case .tensors:
            var values: [Tensor] = []
            for _ in 0..<(try reader.readCount(elementByteCount: 6)) {
                values.append(try readTensor())
            }
            return .tensors(values)
        case .graphs:
            var values: [Graph] = []
            for _ in 0..<(try reader.readCount(elementByteCount: 32)) {
                values.append(try readGraph(depth: depth + 1))
            }
            return .graphs(values)
        }
    }

    /// Reads a tensor whose bytes are a blob; they are as many as its shape says, truth values are 0
    /// or 1, and byte strings as many as there are elements.
    @_lifetime(self: copy self)
    mutating func readTensor() throws(ArtefactError) -> Tensor {
        let type = try readElementType()
        let shape = try readShape()
        let storage = try blobs[reader.read()]
        guard shape.isBounded else { throw .invalid("the sizes of \(shape) are too large") }
        if type != .bytes {
            guard let byteCount = shape.byteCount(of: type), byteCount == storage.byteCount else {
                throw .invalid(
                    "expected \(shape.byteCount(of: type).map(String.init) ?? "fewer") bytes for "
                        + "\(type)\(shape), found a blob of \(storage.byteCount)"
                )
            }
        }
        let tensor = Tensor(elementType: type, shape: shape, storage: storage)
        if type == .bytes, tensor.byteStrings == nil {
            throw .invalid("expected \(shape.elementCount) byte strings, found other bytes")
        }
        if type == .bool {
            let isTruth = unsafe storage.bytes.withUnsafeBytes { unsafe $0.allSatisfy { $0 <= 1 } }
            guard isTruth else { throw .invalid("expected truth values, found other bytes") }
        }
        return tensor
    }

    @_lifetime(self: copy self)
    mutating func readShape() throws(ArtefactError) -> Shape {
        let rank: UInt8 = try reader.readTag("a rank", upTo: UInt8(Shape.maximumRank))
        var sizes: [Int] = []
        for _ in 0..<rank { sizes.append(try reader.readInt()) }
        guard let shape = Shape(validating: sizes) else {
            throw .invalid("expected sizes of axes, found \(sizes)")
        }
        return shape
    }
}
