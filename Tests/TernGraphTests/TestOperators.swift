import TernGraph
import TernTensor

/// A few operators, declared as the runtime declares its own.
let testOperators = OperatorSet(
    [
        unary("Relu", versions: [1, 6, 13, 14]),
        unary("Neg", versions: [1, 6, 13]),
        binary("Add"), binary("Mul"),
        OperatorSchema(
            name: "Identity",
            versions: [1, 13, 14, 16, 19],
            inputCount: 1...1,
            aliasing: .view(ofInput: 0)
        ) { context throws(OperatorError) in
            if let fact = context.fact(0) { context.setOutput(fact: fact) }
        },
        OperatorSchema(
            name: "MatMul",
            versions: [1, 9, 13],
            inputCount: 2...2
        ) { context throws(OperatorError) in
            let type = try context.commonElementType(of: 0...1)
            guard let left = context.dimensions(0), let right = context.dimensions(1) else {
                return
            }
            guard left.count == 2, right.count == 2 else {
                throw OperatorError("the test's MatMul takes matrices")
            }
            if left[1].isKnownDifferent(from: right[0]) {
                throw OperatorError(
                    "\(context.describe(0)) has \(left[1]) columns, but "
                        + "\(context.describe(1)) has \(right[0]) rows"
                )
            }
            context.setOutput(elementType: type, dimensions: [left[0], right[1]])
        },
        OperatorSchema(name: "Shape", versions: [1, 13], inputCount: 1...1) {
            context throws(OperatorError) in
            guard let dimensions = context.dimensions(0) else { return }
            context.setOutputIntegers(0, dimensions)
        },
        OperatorSchema(name: "Gather", versions: [1, 11, 13], inputCount: 2...2) {
            context throws(OperatorError) in
            guard let values = context.integers(0), let index = context.fixedIntegers(1)?.first
            else { return }
            let position = try context.normalizedAxis(index, rank: values.count)
            context.setOutputIntegers(0, [values[position]], scalar: true)
        },
        OperatorSchema(name: "Unsqueeze", versions: [13], inputCount: 2...2) {
            context throws(OperatorError) in
            guard let values = context.integers(0) else { return }
            context.setOutputIntegers(0, values)
        },
        OperatorSchema(name: "Concat", versions: [4, 11, 13], inputCount: 1...64) {
            context throws(OperatorError) in
            var elements: [Dimension] = []
            for input in 0..<context.inputCount {
                guard let values = context.integers(input) else { return }
                elements += values
            }
            context.setOutputIntegers(0, elements)
        },
        OperatorSchema(
            name: "Reshape",
            versions: [5, 13, 14],
            inputCount: 2...2,
            aliasing: .view(ofInput: 0)
        ) { context throws(OperatorError) in
            guard let target = context.integers(1) else {
                context.setOutput(elementType: context.elementType(0), dimensions: nil)
                return
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: try ShapeInferenceContext.reshape(
                    context.dimensions(0),
                    to: target,
                    allowsZero: try context.node.int("allowzero", default: 0) != 0
                )
            )
        },
        OperatorSchema(name: "NonZero", versions: [9, 13], inputCount: 1...1) {
            context throws(OperatorError) in
            context.setOutput(elementType: .int64, dimensions: [.fixed(1), .unknown])
        },
        OperatorSchema(
            name: "RandomNormal",
            versions: [1],
            inputCount: 0...0,
            isPure: false
        ) { context throws(OperatorError) in
            context.setOutput(elementType: .fp32, dimensions: [.fixed(2)])
        },
        OperatorSchema(
            name: "Split",
            versions: [2, 11],
            supersededAt: 13,
            inputCount: 1...1,
            outputCount: 1...8
        ) { context throws(OperatorError) in
            for output in 0..<context.outputCount {
                context.setOutput(
                    output,
                    elementType: context.elementType(0),
                    dimensions: [.unknown]
                )
            }
        },
        OperatorSchema(
            name: "If",
            versions: [1, 11, 13, 16],
            inputCount: 1...1,
            outputCount: 1...8
        ) { context throws(OperatorError) in
            let first = try context.inferSubgraph("then_branch")
            let second = try context.inferSubgraph("else_branch")
            for (index, (a, b)) in zip(first, second).enumerated() {
                context.setOutput(
                    index,
                    elementType: a.elementType,
                    dimensions: a.dimensions == b.dimensions ? a.dimensions : nil
                )
            }
        },
        OperatorSchema(domain: "com.example", name: "Swirl", versions: [2], inputCount: 1...1) {
            _ throws(OperatorError) in
        },
    ],
    newestOperatorSets: ["": 24]
)

private func unary(_ name: String, versions: [Int]) -> OperatorSchema {
    OperatorSchema(
        name: name,
        versions: versions,
        inputCount: 1...1,
        aliasing: .inPlace(overInputs: [0])
    ) { context throws(OperatorError) in
        context.setOutput(elementType: context.elementType(0), dimensions: context.dimensions(0))
    }
}

private func binary(_ name: String) -> OperatorSchema {
    OperatorSchema(
        name: name,
        versions: [7, 13, 14],
        inputCount: 2...2,
        aliasing: .inPlace(overInputs: [0, 1])
    ) { context throws(OperatorError) in
        context.setOutput(
            elementType: try context.commonElementType(of: 0...1),
            dimensions: try context.broadcastDimensions(of: 0...1)
        )
    }
}

/// Computes Add, Mul and Neg of FP32 vectors of equal length, and Neg of INT64.
@Sendable func testEvaluator(
    _ node: Node,
    _ inputs: [Tensor?]
) throws(OperatorError) -> [Tensor]? {
    guard let first = inputs.first ?? nil else { return nil }
    if node.operatorName == "Neg", first.elementType == .int64 {
        let values = first.elements(as: Int64.self)
        guard !values.contains(.min) else {
            throw OperatorError("the smallest number has no negative")
        }
        return [Tensor(elementType: .int64, shape: first.shape, values: values.map { -$0 })]
    }
    guard first.elementType == .fp32 else { return nil }
    let values = first.elements(as: Float.self)
    switch node.operatorName {
    case "Neg": return [Tensor(elementType: .fp32, shape: first.shape, values: values.map { -$0 })]
    case "Add", "Mul":
        guard inputs.count == 2, let second = inputs[1], second.shape == first.shape else {
            return nil
        }
        let others = second.elements(as: Float.self)
        let results = zip(values, others).map { node.operatorName == "Add" ? $0 + $1 : $0 * $1 }
        return [Tensor(elementType: .fp32, shape: first.shape, values: results)]
    default: return nil
    }
}

/// Builds graphs with names instead of ids.
struct GraphBuilder {
    var graph = Graph(operatorSetVersions: ["": 17, "com.example": 2])
    private var ids: [String: ValueID] = [:]

    /// The id of a value that is there.
    func id(_ name: String) -> ValueID {
        guard let id = ids[name] else { preconditionFailure("there is no value \(name)") }
        return id
    }

    private mutating func making(_ name: String) -> ValueID {
        if let id = ids[name] { return id }
        let id = graph.addValue(Value(name: name))
        ids[name] = id
        return id
    }

    mutating func input(_ name: String, _ type: ElementType = .fp32, _ dimensions: [Dimension]?) {
        let id = making(name)
        graph[id].elementType = type
        graph[id].dimensions = dimensions
        graph.inputs.append(Port(name: name, value: id))
    }

    mutating func constant(_ name: String, _ tensor: Tensor) {
        let id = making(name)
        graph[id].elementType = tensor.elementType
        graph[id].dimensions = tensor.shape.map { .fixed($0) }
        graph.initializers[id] = tensor
    }

    mutating func constant(_ name: String, floats: [Float]) {
        constant(name, Tensor(elementType: .fp32, shape: [floats.count], values: floats))
    }

    mutating func constant(_ name: String, integers: [Int64], scalar: Bool = false) {
        let shape: Shape = scalar ? [] : [integers.count]
        constant(name, Tensor(elementType: .int64, shape: shape, values: integers))
    }

    mutating func capture(_ name: String, outer: ValueID) {
        graph.captures.append(Capture(outer: outer, inner: making(name)))
    }

    mutating func node(
        _ operatorName: String,
        _ inputs: [String?],
        _ outputs: [String?],
        domain: String = "",
        version: Int = 17,
        name: String = "",
        _ attributes: [String: Attribute] = [:]
    ) {
        var inputIDs: [ValueID?] = []
        for input in inputs {
            if let input { inputIDs.append(making(input)) } else { inputIDs.append(nil) }
        }
        var outputIDs: [ValueID?] = []
        for output in outputs {
            if let output { outputIDs.append(making(output)) } else { outputIDs.append(nil) }
        }
        graph.nodes.append(
            Node(
                name: name,
                domain: domain,
                operatorName: operatorName,
                operatorSetVersion: version,
                attributes: attributes,
                inputs: inputIDs,
                outputs: outputIDs
            )
        )
    }

    mutating func output(_ names: String...) {
        for name in names { graph.outputs.append(Port(name: name, value: making(name))) }
    }

    /// The graph, validated and with its operators resolved.
    func resolved() throws(GraphError) -> Graph {
        var graph = graph
        try graph.validate()
        try testOperators.resolve(&graph)
        return graph
    }
}
