import TernGraph
import TernKernels
import TernTensor

/// Softmax, its logarithm, and the choice of the largest.
///
/// Up to version 12 the axes from `axis` on are taken together; from 13 on it is one axis.
enum SoftmaxOperators {
    static let all = [
        declaration("Softmax") { (context) throws(OperatorError) in
            try softmax(context, isLogarithmic: false)
        },
        declaration("LogSoftmax") { (context) throws(OperatorError) in
            try softmax(context, isLogarithmic: true)
        },
        declaration("Hardmax") { (context) throws(OperatorError) in
            switch try context.input(0).elementType {
            case .fp64: try hardmax(context, Double.self)
            default: try hardmax(context, Float.self)
            }
        },
    ]

    private static func declaration(
        _ name: String,
        _ kernel: @escaping OperatorDeclaration.KernelMaker
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: [1, 11, 13],
            inputs: 1...1,
            aliasing: name == "Hardmax" ? .none : .inPlace(overInputs: [0]),
            shape: { (context) throws(OperatorError) in
                try OperatorDeclaration.sameAsInput(ElementType.floats)(&context)
                if let rank = context.dimensions(0)?.count {
                    _ = try axis(context.node, rank: rank)
                }
            },
            kernel: HalfPrecision.widening(kernel)
        )
    }

    private static func axis(_ node: Node, rank: Int) throws(OperatorError) -> Int {
        let isOld = node.operatorVersion < 13
        let axis = try node.int("axis", default: isOld ? 1 : -1)
        if rank == 0 { return 0 }
        return try ShapeInferenceContext.normalizedAxis(axis, rank: rank, allowsEnd: isOld)
    }

    /// The input as [outer, axis, inner].
    private static func geometry(
        _ context: NodeContext
    ) throws(OperatorError) -> (outer: Int, axis: Int, inner: Int) {
        let shape = try context.input(0).shape
        let position = try axis(context.node, rank: shape.rank)
        let outer = shape.prefix(position).reduce(1, *)
        let rest = shape.dropFirst(position)
        if context.version < 13 { return (outer, rest.reduce(1, *), 1) }
        return (outer, rest.first ?? 1, rest.dropFirst().reduce(1, *))
    }

    private static func softmax(
        _ context: NodeContext,
        isLogarithmic: Bool
    ) throws(OperatorError) -> Kernel {
        let (outer, axis, inner) = try geometry(context)
        if try context.input(0).elementType == .fp64 {
            return doubles(outer: outer, axis: axis, inner: inner, isLogarithmic: isLogarithmic)
        }
        return Kernel { (frame) throws(OperatorError) in
            guard outer > 0, axis > 0, inner > 0 else { return }
            unsafe Softmax.apply(
                frame.input(0, as: Float.self),
                into: frame.output(0, as: Float.self),
                outer: outer,
                axis: axis,
                inner: inner,
                isLogarithmic: isLogarithmic,
                context: frame.context
            )
        }
    }

    private static func doubles(
        outer: Int,
        axis: Int,
        inner: Int,
        isLogarithmic: Bool
    ) -> Kernel {
        Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: Double.self)
            var target = frame.mutableElements(ofOutput: 0, as: Double.self)
            guard axis > 0 else { return }
            for block in 0..<outer {
                for column in 0..<inner {
                    let start = block * axis * inner + column
                    var largest = -Double.infinity
                    for step in 0..<axis {
                        largest = Double.maximum(largest, source[start + step * inner])
                    }
                    var total = 0.0
                    for step in 0..<axis {
                        let place = start + step * inner
                        let distance = source[place] - largest
                        let weight = Double.exponential(distance)
                        total += weight
                        target[place] = isLogarithmic ? distance : weight
                    }
                    let scale = isLogarithmic ? Double.logarithm(total) : 1 / total
                    for step in 0..<axis {
                        let place = start + step * inner
                        target[place] =
                            isLogarithmic ? target[place] - scale : target[place] * scale
                    }
                }
            }
        }
    }

    /// One where the largest is first met, else zero.
    private static func hardmax<Real: RealElement>(
        _ context: NodeContext,
        _ type: Real.Type
    ) throws(OperatorError) -> Kernel {
        let (outer, axis, inner) = try geometry(context)
        return Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            for index in target.indices { target[index] = 0 }
            guard axis > 0 else { return }
            for block in 0..<outer {
                for column in 0..<inner {
                    let start = block * axis * inner + column
                    var best = start
                    for step in 1..<max(axis, 1) {
                        let position = start + step * inner
                        if source[position] > source[best] { best = position }
                    }
                    target[best] = 1
                }
            }
        }
    }
}
