import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// LSTM, GRU and RNN over a sequence, in one direction or both.
enum RecurrentOperators {
    static let all = [
        recurrent("LSTM", [1, 7, 14, 22], inputs: 3...8, outputs: 0...3, .lstm),
        recurrent("GRU", [3, 7, 14, 22], inputs: 3...6, outputs: 0...2, .gru),
        recurrent("RNN", [1, 7, 14, 22], inputs: 3...6, outputs: 0...2, .rnn),
    ]

    /// Which cell.
    enum Cell: Sendable {
        case lstm, gru, rnn

        /// How many gates share the weights' rows.
        var gateCount: Int {
            switch self {
            case .lstm: 4
            case .gru: 3
            case .rnn: 1
            }
        }

        /// How many activations a direction has, and their names.
        var defaultActivations: [String] {
            switch self {
            case .lstm: ["Sigmoid", "Tanh", "Tanh"]
            case .gru: ["Sigmoid", "Tanh"]
            case .rnn: ["Tanh"]
            }
        }
    }

    private static func recurrent(
        _ name: String,
        _ versions: [Int],
        inputs: ClosedRange<Int>,
        outputs: ClosedRange<Int>,
        _ cell: Cell
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: versions,
            inputs: inputs,
            outputs: outputs,
            shape: { (context) throws(OperatorError) in try infer(&context, cell) },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                try RecurrentKernel(context, cell).kernel()
            }
        )
    }

    private static func infer(
        _ context: inout ShapeInferenceContext,
        _ cell: Cell
    ) throws(OperatorError) {
        for index in 0..<context.inputCount where index != 4 {
            try context.requireElementType(index, in: HalfPrecision.floats)
        }
        let type = try context.commonElementType(of: (0..<context.inputCount).filter { $0 != 4 })
        try context.requireElementType(4, in: [.int32])
        for index in 0...2 { try context.requireRank(index, in: 3...3) }
        let directions = try RecurrentAttributes.directionCount(context.node)
        let isBatchFirst = try context.node.int("layout", default: 0) != 0
        let rows = context.dimensions(2)?[2].fixedSize
        let given =
            context.node.attributes["hidden_size"] == nil
            ? nil : try context.node.int("hidden_size")
        guard let hidden = given ?? rows else { return }
        guard hidden >= 0, hidden <= 1 << 28 else {
            throw OperatorError("hidden_size is \(hidden), which cannot be")
        }
        let input = context.dimensions(0) ?? [.unknown, .unknown, .unknown]
        let (sequence, batch) = isBatchFirst ? (input[1], input[0]) : (input[0], input[1])
        let gates = cell.gateCount * hidden
        let count = Dimension.fixed(directions)
        let state: [Dimension] =
            isBatchFirst
            ? [batch, count, .fixed(hidden)] : [count, batch, .fixed(hidden)]
        var expected: [(Int, [Dimension])] = [
            (1, [count, .fixed(gates), input[2]]),
            (2, [count, .fixed(gates), .fixed(hidden)]),
            (3, [count, .fixed(2 * gates)]),
            (4, [batch]),
            (5, state),
        ]
        if cell == .lstm {
            expected.append((6, state))
            expected.append((7, [count, .fixed(3 * hidden)]))
        }
        for (index, wanted) in expected {
            guard let found = context.dimensions(index) else { continue }
            guard found.count == wanted.count,
                !zip(found, wanted).contains(where: { $0.isKnownDifferent(from: $1) })
            else {
                throw OperatorError(
                    "\(context.describe(index)) is \(ShapeInferenceContext.text(found)), expected "
                        + ShapeInferenceContext.text(wanted)
                )
            }
        }
        context.setOutput(
            0,
            elementType: type,
            dimensions: isBatchFirst
                ? [batch, sequence, count, .fixed(hidden)]
                : [sequence, count, batch, .fixed(hidden)]
        )
        context.setOutput(1, elementType: type, dimensions: state)
        context.setOutput(2, elementType: type, dimensions: state)
    }
}

/// The attributes of a recurrent operator.
struct RecurrentAttributes: Sendable {
    let isReverse: [Bool]
    let activations: [[UnaryOperation]]
    let clip: Float
    let couplesForget: Bool
    let appliesLinearBeforeReset: Bool
    let isBatchFirst: Bool

    static func directionCount(_ node: Node) throws(OperatorError) -> Int {
        try directions(node).count
    }

    /// Whether each direction runs backwards.
    private static func directions(_ node: Node) throws(OperatorError) -> [Bool] {
        let direction = try node.string("direction", default: "forward")
        switch direction {
        case "forward": return [false]
        case "reverse": return [true]
        case "bidirectional": return [false, true]
        default:
            throw OperatorError(
                "direction is \"\(direction)\", expected forward, reverse or bidirectional"
            )
        }
    }

    init(_ node: Node, _ cell: RecurrentOperators.Cell) throws(OperatorError) {
        isReverse = try Self.directions(node)
        let bound = try node.float("clip", default: .infinity)
        clip = bound > 0 ? bound : .infinity
        couplesForget = try node.int("input_forget", default: 0) != 0
        appliesLinearBeforeReset = try node.int("linear_before_reset", default: 0) != 0
        isBatchFirst = try node.int("layout", default: 0) != 0
        let perDirection = cell.defaultActivations.count
        let wanted = perDirection * isReverse.count
        var names = (try node.strings("activations") ?? []).map {
            String(decoding: $0, as: UTF8.self)
        }
        if names.isEmpty {
            names = isReverse.flatMap { _ in cell.defaultActivations }
        }
        guard names.count == wanted else {
            throw OperatorError("\(names.count) activations are given, expected \(wanted)")
        }
        var alphas = (try node.floats("activation_alpha") ?? []).makeIterator()
        var betas = (try node.floats("activation_beta") ?? []).makeIterator()
        var operations: [UnaryOperation] = []
        for name in names {
            operations.append(try Self.operation(name, &alphas, &betas))
        }
        let all = operations
        activations = (0..<isReverse.count).map { direction in
            Array(all[(direction * perDirection)..<((direction + 1) * perDirection)])
        }
    }

    /// The activation of a name; takes its parameters from the lists, which have entries only for
    /// those that have some.
    private static func operation(
        _ name: String,
        _ alphas: inout IndexingIterator<[Float]>,
        _ betas: inout IndexingIterator<[Float]>
    ) throws(OperatorError) -> UnaryOperation {
        switch name.lowercased() {
        case "relu": return .relu
        case "tanh": return UnaryOperation(.hyperbolicTangent)
        case "sigmoid": return UnaryOperation(.sigmoid)
        case "softsign": return UnaryOperation(.softsign)
        case "softplus": return UnaryOperation(.softplus)
        case "affine":
            return UnaryOperation(.affine, a: alphas.next() ?? 1, b: betas.next() ?? 0)
        case "leakyrelu": return UnaryOperation(.leakyRelu, a: alphas.next() ?? 0.01)
        case "thresholdedrelu": return UnaryOperation(.thresholdedRelu, a: alphas.next() ?? 1)
        case "hardsigmoid":
            return UnaryOperation(.hardSigmoid, a: alphas.next() ?? 0.2, b: betas.next() ?? 0.5)
        case "elu": return UnaryOperation(.elu, a: alphas.next() ?? 1)
        default: throw OperatorError("the activation \(name) is not supported here")
        }
    }
}
