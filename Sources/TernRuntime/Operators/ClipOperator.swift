import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Clip: attributes up to version 6, inputs from version 11 on.
enum ClipOperator {
    static let all = [
        OperatorDeclaration(
            "Clip",
            versions: [1, 6, 11, 12, 13],
            inputs: 1...3,
            aliasing: .inPlace(overInputs: [0]),
            shape: { (context) throws(OperatorError) in
                try OperatorDeclaration.sameAsInput()(&context)
                for index in 1...2 {
                    try context.requireRank(index, in: 0...1)
                    _ = try context.commonElementType(of: [0, index])
                }
            },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                try kernel(context)
            }
        )
    ]

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        if context.version < 11 {
            return try UnaryOperators.kernel(
                context,
                clamp(
                    low: context.node.float("min", default: -.infinity),
                    high: context.node.float("max", default: .infinity)
                )
            )
        }
        for index in 1...2 where context.hasInput(index) {
            guard try context.input(index).elementCount == 1 else {
                throw OperatorError(
                    "input \(index) has the shape \(try context.input(index).shape), expected a scalar"
                )
            }
        }
        if input.elementType == .fp32, isKnown(context, 1), isKnown(context, 2) {
            return try UnaryOperators.kernel(
                context,
                clamp(
                    low: bound(context, 1) ?? -.infinity,
                    high: bound(context, 2) ?? .infinity
                )
            )
        }
        return try exact(context)
    }

    /// The clamp that a node is, if its bounds are known beforehand.
    static func operation(of node: Node, in graph: Graph) -> UnaryOperation? {
        var bounds: [Float] = [-.infinity, .infinity]
        for (index, name) in ["min", "max"].enumerated() {
            if node.operatorVersion < 11 {
                guard let bound = try? node.float(name, default: bounds[index]) else { return nil }
                bounds[index] = bound
            } else if node.inputs.count > index + 1, let id = node.inputs[index + 1] {
                guard let bound = graph.scalar(id) else { return nil }
                bounds[index] = bound
            }
        }
        return clamp(low: bounds[0], high: bounds[1])
    }

    /// The upper bound wins if it is below the lower.
    private static func clamp(low: Float, high: Float) -> UnaryOperation {
        UnaryOperation(.clamp, a: min(low, high), b: high)
    }

    /// Whether a bound is left out or does not depend on the call.
    private static func isKnown(_ context: NodeContext, _ index: Int) -> Bool {
        !context.hasInput(index) || context.inputs[index]?.constant != nil
    }

    private static func bound(_ context: NodeContext, _ index: Int) -> Float? {
        guard context.hasInput(index) else { return nil }
        return context.inputs[index]?.constant?.elements(as: Float.self).first
    }

    /// Bounds of the input's own type: the larger with the lower bound, then the smaller with the
    /// upper.
    private static func exact(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let (type, shape) = (input.elementType, input.shape)
        guard let broadcast = Broadcast(shape, Shape()) else {
            throw OperatorError("a scalar cannot be broadcast to \(shape)")
        }
        let bounds: [(index: Int, function: BinaryFunction)] = [(1, .maximum), (2, .minimum)]
            .filter { context.hasInput($0.0) }
        return Kernel { (frame) throws(OperatorError) in
            var source = unsafe frame.rawInput(0)
            let target = unsafe frame.rawOutput(0)
            for bound in bounds {
                guard
                    unsafe Elementwise.apply(
                        bound.function,
                        source,
                        frame.rawInput(bound.index),
                        into: target,
                        broadcast: broadcast,
                        elementType: type,
                        context: frame.context
                    )
                else { throw OperatorError("\(type) cannot be clipped") }
                unsafe source = UnsafeRawPointer(target)
            }
            if bounds.isEmpty { ViewOperators.copyBytes(frame) }
        }
    }
}
