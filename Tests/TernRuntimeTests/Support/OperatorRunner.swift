import TernGraph
import TernKernels
import TernTensor
import TernThreadPool
import Testing

@testable import TernRuntime

/// What a test gives an operator for one input.
enum Argument {
    /// Bound by the caller of the model.
    case input(Tensor)
    /// A weight of the model.
    case weight(Tensor)
    /// Left out.
    case none

    var tensor: Tensor? {
        switch self {
        case .input(let tensor), .weight(let tensor): tensor
        case .none: nil
        }
    }
}

/// A model of one node, run through the same compiler and session as any other.
struct OperatorRunner {
    var name: String
    var domain = ""
    var version: Int
    var attributes: [String: Attribute] = [:]
    var outputCount = 1

    init(
        _ name: String,
        domain: String = "",
        version: Int,
        _ attributes: [String: Attribute] = [:],
        outputs: Int = 1
    ) {
        self.name = name
        self.domain = domain
        self.version = version
        self.attributes = attributes
        outputCount = outputs
    }

    func graph(_ arguments: [Argument]) -> Graph {
        var graph = Graph(name: "test", operatorSetVersions: [domain: version])
        var inputs: [ValueID?] = []
        for (index, argument) in arguments.enumerated() {
            switch argument {
            case .none: inputs.append(nil)
            case .weight(let tensor):
                inputs.append(graph.addInitializer(name: "w\(index)", tensor))
            case .input(let tensor):
                // The sizes are left open, so that the plan is made for what is bound.
                let id = graph.addValue(
                    Value(
                        name: "x\(index)",
                        elementType: tensor.elementType,
                        dimensions: tensor.shape.map { _ in .unknown }
                    )
                )
                graph.inputs.append(Port(name: "x\(index)", value: id))
                inputs.append(id)
            }
        }
        let outputs = (0..<outputCount).map { graph.addValue(Value(name: "y\($0)")) }
        graph.outputs = outputs.map { Port(name: graph[$0].name, value: $0) }
        graph.nodes.append(
            Node(
                name: "node",
                domain: domain,
                operatorName: name,
                operatorSetVersion: version,
                attributes: attributes,
                inputs: inputs,
                outputs: outputs
            )
        )
        return graph
    }

    /// Runs the operator.
    func callAsFunction(_ arguments: Argument...) throws -> [Tensor] { try run(arguments) }

    func run(_ arguments: [Argument]) throws -> [Tensor] {
        let model = try CompiledModel(graph(arguments))
        let session = Session(model)
        let bound = arguments.compactMap { argument in
            if case .input(let tensor) = argument { tensor } else { nil }
        }
        for (index, tensor) in bound.enumerated() { try session.bindInput(index, tensor) }
        try session.run()
        return model.outputs.indices.map { session.output($0) }
    }

    /// Runs the operator and gives the only output's elements.
    func floats(_ arguments: Argument...) throws -> [Float] {
        try run(arguments)[0].elements(as: Float.self)
    }

    func integers(_ arguments: Argument...) throws -> [Int] {
        try #require(try run(arguments)[0].integerElements)
    }

    func shape(_ arguments: Argument...) throws -> Shape { try run(arguments)[0].shape }

    /// The sentence with which the operator refuses.
    func refusal(_ arguments: Argument...) -> String {
        do {
            _ = try run(arguments)
            return "it ran"
        } catch {
            return "\(error)"
        }
    }
}

/// A bound tensor of floats; the shape defaults to a vector.
func f(_ values: [Float], _ shape: Shape? = nil) -> Argument {
    .input(Tensor(elementType: .fp32, shape: shape ?? [values.count], values: values))
}

/// A weight of floats.
func wf(_ values: [Float], _ shape: Shape? = nil) -> Argument {
    .weight(Tensor(elementType: .fp32, shape: shape ?? [values.count], values: values))
}

/// A bound tensor of 64-bit whole numbers.
func i(_ values: [Int64], _ shape: Shape? = nil) -> Argument {
    .input(Tensor(elementType: .int64, shape: shape ?? [values.count], values: values))
}

/// A weight of 64-bit whole numbers.
func wi(_ values: [Int64], _ shape: Shape? = nil) -> Argument {
    .weight(Tensor(elementType: .int64, shape: shape ?? [values.count], values: values))
}

/// A bound tensor of truth values.
func b(_ values: [Bool], _ shape: Shape? = nil) -> Argument {
    .input(
        Tensor(
            elementType: .bool,
            shape: shape ?? [values.count],
            values: values.map { UInt8($0 ? 1 : 0) }
        )
    )
}

/// Numbers from -1 to 1 that look random and are always the same.
func noise(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
    }
}

/// Requires two lists of numbers to be equal but for rounding.
func expectClose(
    _ found: [Float],
    _ expected: [Float],
    tolerance: Float = 1e-5,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard found.count == expected.count else {
        Issue.record(
            "found \(found.count) numbers, expected \(expected.count)",
            sourceLocation: sourceLocation
        )
        return
    }
    for (index, (a, e)) in zip(found, expected).enumerated() {
        let isEqual = a == e || (a.isNaN && e.isNaN) || abs(a - e) <= tolerance * max(1, abs(e))
        if !isEqual {
            Issue.record(
                "at \(index): found \(a), expected \(e)",
                sourceLocation: sourceLocation
            )
            return
        }
    }
}

/// A bound tensor of any type that is as wide as `Element`; the shape defaults to a vector.
func t<Element: BitwiseCopyable>(
    _ type: ElementType,
    _ values: [Element],
    _ shape: Shape? = nil
) -> Argument {
    .input(Tensor(elementType: type, shape: shape ?? [values.count], values: values))
}

/// Floats as the bits of half-precision numbers, which they have to be exactly.
func halves(_ values: [Float]) -> [UInt16] {
    values.map { value in
        // Every test number is a small dyadic: its bits are moved, not rounded.
        if value == 0 { return 0 }
        let bits = value.bitPattern
        let exponent = Int(bits >> 23 & 0xFF) - 127 + 15
        precondition(exponent > 0 && exponent < 31 && bits & 0x1FFF == 0, "not a normal half")
        return UInt16(bits >> 16 & 0x8000) | UInt16(exponent << 10) | UInt16(bits >> 13 & 0x3FF)
    }
}

/// Floats as the upper halves of their bits.
func bfloats(_ values: [Float]) -> [UInt16] { values.map { UInt16($0.bitPattern >> 16) } }
