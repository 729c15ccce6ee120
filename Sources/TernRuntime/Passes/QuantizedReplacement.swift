import TernGraph
import TernTensor

/// The operator on bytes that ``QuantizedFusion`` puts in another's place.
enum Replacement {
    private static let microsoft = "com.microsoft"

    /// Makes the operator, without a name and outputs.
    ///
    /// - Parameters:
    ///   - node: The operator on floats.
    ///   - x: What its first input is made of.
    ///   - end: What its result becomes.
    ///   - uses: The graph's uses.
    ///   - graph: The graph; constants are added to it.
    /// - Returns: `nil` if there is none that does the same.
    static func make(
        _ node: Node,
        _ x: QuantizedOperand,
        _ end: QuantizedEnd,
        _ uses: ValueUses,
        _ graph: inout Graph
    ) -> Node? {
        switch node.operatorName {
        case "Conv": convolution(node, x, end, uses, &graph)
        case "MatMul": product(node, x, end, uses, &graph)
        case "Gemm": gemm(node, x, end, uses, &graph)
        case "Add", "Mul": binary(node, x, end, uses, &graph)
        case "GlobalAveragePool", "Sigmoid": unary(node, x, end, &graph)
        case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose":
            movement(node, x, end, graph)
        default: nil
        }
    }

    // MARK: Products

    private static func convolution(
        _ node: Node,
        _ x: QuantizedOperand,
        _ end: QuantizedEnd,
        _ uses: ValueUses,
        _ graph: inout Graph
    ) -> Node? {
        guard let w = QuantizedOperand(node.inputs[1], uses, graph),
            let shape = graph.initializers[w.codes]?.shape, (3...4).contains(shape.rank),
            w.isScalar(orAlong: 0, rank: shape.rank, graph),
            case let bias = bias(node, x, w, count: shape[0], uses, &graph), bias.isPossible
        else { return nil }
        return Node(
            operatorName: "QLinearConv",
            operatorSetVersion: 10,
            operatorVersion: 10,
            attributes: node.attributes,
            inputs: operands(x, &graph) + operands(w, &graph) + result(end, &graph)
                + (bias.id.map { [$0] } ?? []),
            outputs: []
        )
    }

    private static func product(
        _ node: Node,
        _ x: QuantizedOperand,
        _ end: QuantizedEnd,
        _ uses: ValueUses,
        _ graph: inout Graph
    ) -> Node? {
        guard let w = QuantizedOperand(node.inputs[1], uses, graph) else { return nil }
        if let shape = graph.initializers[w.codes]?.shape {
            guard shape.rank == 2, w.isScalar(orAlong: 1, rank: 2, graph) else { return nil }
        } else {
            guard w.isScalar(graph) else { return nil }
        }
        return Node(
            operatorName: "QLinearMatMul",
            operatorSetVersion: 10,
            operatorVersion: 10,
            inputs: operands(x, &graph) + operands(w, &graph) + result(end, &graph),
            outputs: []
        )
    }

    private static func gemm(
        _ node: Node,
        _ x: QuantizedOperand,
        _ end: QuantizedEnd,
        _ uses: ValueUses,
        _ graph: inout Graph
    ) -> Node? {
        let isTransposed = isSet("transB", of: node)
        guard !isSet("transA", of: node), isOne("alpha", of: node), isOne("beta", of: node),
            let w = QuantizedOperand(node.inputs[1], uses, graph),
            let shape = graph.initializers[w.codes]?.shape, shape.rank == 2,
            w.isScalar(orAlong: isTransposed ? 0 : 1, rank: 2, graph),
            case let columns = shape[isTransposed ? 0 : 1],
            case let bias = bias(node, x, w, count: columns, uses, &graph), bias.isPossible
        else { return nil }
        return Node(
            domain: microsoft,
            operatorName: "QGemm",
            operatorSetVersion: 1,
            operatorVersion: 1,
            attributes: ["transB": .int(isTransposed ? 1 : 0)],
            inputs: operands(x, &graph) + operands(w, &graph) + [bias.id] + result(end, &graph),
            outputs: []
        )
    }

    private static func isSet(_ name: String, of node: Node) -> Bool {
        if case .int(let value)? = node.attributes[name] { return value != 0 }
        return false
    }

    private static func isOne(_ name: String, of node: Node) -> Bool {
        if case .float(let value)? = node.attributes[name] { return value == 1 }
        return node.attributes[name] == nil
    }

    /// The bias in units of the sums; `isPossible` says whether it can be given so.
    private static func bias(
        _ node: Node,
        _ x: QuantizedOperand,
        _ w: QuantizedOperand,
        count: Int,
        _ uses: ValueUses,
        _ graph: inout Graph
    ) -> (id: ValueID?, isPossible: Bool) {
        guard node.inputs.count > 2, let id = node.inputs[2] else { return (nil, true) }
        guard let factor = graph.scalar(x.scale), let scales = graph.floats(w.scale),
            !scales.isEmpty
        else { return (nil, false) }
        let units = (0..<count).map { factor * scales[$0 % scales.count] }
        if let given = QuantizedOperand(id, uses, graph) {
            guard let codes = graph.initializers[given.codes], codes.elementType == .int32,
                codes.shape == [count], let own = graph.floats(given.scale), !own.isEmpty,
                given.zero.map({
                    graph.initializers[$0]?.integerElements?.allSatisfy { $0 == 0 } ?? false
                }) ?? true,
                units.indices.allSatisfy({ index in
                    abs(own[index % own.count] - units[index]) <= 1e-4 * units[index]
                })
            else { return (nil, false) }
            return (given.codes, true)
        }
        guard let numbers = graph.floats(id), graph.initializers[id]?.shape == [count] else {
            return (nil, false)
        }
        let codes = zip(numbers, units).map { number, unit in
            Int32(exactly: (number / unit).rounded(.toNearestOrEven))
        }
        guard case let known = codes.compactMap({ $0 }), known.count == count else {
            return (nil, false)
        }
        let tensor = Tensor(elementType: .int32, shape: [count], values: known)
        let name = graph.unusedName(near: graph[id].name)
        return (graph.addInitializer(name: name, tensor), true)
    }

    // MARK: Element by element

    private static func binary(
        _ node: Node,
        _ x: QuantizedOperand,
        _ end: QuantizedEnd,
        _ uses: ValueUses,
        _ graph: inout Graph
    ) -> Node? {
        guard let other = QuantizedOperand(node.inputs[1], uses, graph), other.isScalar(graph),
            graph.codeType(x) == end.elementType, graph.codeType(other) == end.elementType
        else { return nil }
        return Node(
            domain: microsoft,
            operatorName: "QLinear" + node.operatorName,
            operatorSetVersion: 1,
            operatorVersion: 1,
            inputs: operands(x, &graph) + operands(other, &graph) + result(end, &graph),
            outputs: []
        )
    }

    private static func unary(
        _ node: Node,
        _ x: QuantizedOperand,
        _ end: QuantizedEnd,
        _ graph: inout Graph
    ) -> Node? {
        guard graph.codeType(x) == end.elementType else { return nil }
        return Node(
            domain: microsoft,
            operatorName: "QLinear" + node.operatorName,
            operatorSetVersion: 1,
            operatorVersion: 1,
            inputs: operands(x, &graph) + result(end, &graph),
            outputs: []
        )
    }

    // MARK: Movement

    private static func movement(
        _ node: Node,
        _ x: QuantizedOperand,
        _ end: QuantizedEnd,
        _ graph: Graph
    ) -> Node? {
        guard graph.codeType(x) == end.elementType,
            graph.scalar(x.scale) == graph.scalar(end.scale),
            graph.zeroPoint(x.zero) == graph.zeroPoint(end.zero)
        else { return nil }
        var made = node
        made.inputs[0] = x.codes
        return made
    }

    // MARK: Operands

    private static func operands(_ x: QuantizedOperand, _ graph: inout Graph) -> [ValueID?] {
        let type = graph.initializers[x.codes]?.elementType ?? graph[x.codes].elementType
        return [x.codes, x.scale, x.zero ?? graph.addZeroPoint(type ?? .uint8)]
    }

    private static func result(_ end: QuantizedEnd, _ graph: inout Graph) -> [ValueID?] {
        [end.scale, end.zero ?? graph.addZeroPoint(.uint8)]
    }
}

extension Graph {
    /// The type of an operand's bytes, as its zero point tells.
    fileprivate func codeType(_ operand: QuantizedOperand) -> ElementType? {
        if let zero = operand.zero { return initializers[zero]?.elementType }
        return initializers[operand.codes]?.elementType ?? self[operand.codes].elementType
    }

    /// The only zero point; 0 if none is given.
    fileprivate func zeroPoint(_ id: ValueID?) -> Int? {
        guard let id else { return 0 }
        return initializers[id]?.integerElements?.first
    }

    fileprivate mutating func addZeroPoint(_ type: ElementType) -> ValueID {
        addInitializer(
            name: unusedName(near: "zero_point"),
            Tensor(elementType: type, shape: [], values: [UInt8(0)])
        )
    }
}
