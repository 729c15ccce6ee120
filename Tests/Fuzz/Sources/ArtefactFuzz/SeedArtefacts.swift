internal import TernArtefact
internal import TernGraph
internal import TernTensor

/// Small artefacts that between them have every part of the format.
enum SeedArtefacts {
    static var all: [Artefact] { [artefact(of: plain), artefact(of: nested)] }

    private static let weight = Tensor(
        elementType: .fp32,
        shape: [2, 2],
        values: [1, 2, 3, 4] as [Float]
    )

    private static func artefact(of graph: Graph) -> Artefact {
        Artefact(
            producer: "fuzzer",
            source: "seed.onnx",
            precision: "f32",
            graph: graph,
            parameterCount: 4,
            packing: "none",
            panels: [
                Artefact.Panels(
                    weight: weight.storage,
                    variant: "matrix 2 2 false 1.0",
                    kind: "matrix",
                    memory: [AlignedBuffer(byteCount: 128), AlignedBuffer(byteCount: 0)]
                )
            ],
            shapes: [[[1, 2]]],
            goldenSets: [
                Artefact.GoldenSet(
                    name: "set",
                    inputs: [Tensor(elementType: .bool, shape: [2], copyingBytes: [0, 1])],
                    outputs: [Tensor(shape: [2], byteStrings: [[97], []])]
                )
            ]
        )
    }

    /// A product with a weight, and attributes of every kind.
    private static var plain: Graph {
        var graph = Graph(name: "plain", operatorSetVersions: ["": 17, "ai.tern": 1])
        let input = graph.addValue(
            Value(
                name: "x",
                elementType: .fp32,
                dimensions: [.symbolic("batch"), .fixed(2), .unknown]
            )
        )
        let weight = graph.addInitializer(name: "w", weight)
        let output = graph.addValue(Value(name: "y"))
        graph.inputs = [Port(name: "x", value: input)]
        graph.outputs = [Port(name: "y", value: output)]
        graph.nodes = [
            Node(
                name: "product",
                domain: "ai.tern",
                operatorName: "MatMul",
                operatorSetVersion: 13,
                attributes: [
                    "a": .int(-1), "b": .float(0.5), "c": .string([99]), "d": .tensor(Self.weight),
                    "e": .ints([1, 2]), "f": .floats([1, .nan]), "g": .strings([[1], []]),
                    "h": .tensors([Self.weight, Self.weight]),
                ],
                inputs: [input, weight, nil],
                outputs: [output]
            )
        ]
        return graph
    }

    /// A node with subgraphs that capture its input.
    private static var nested: Graph {
        var graph = Graph(name: "nested", operatorSetVersions: ["": 17])
        let input = graph.addValue(Value(name: "x", elementType: .fp32, dimensions: []))
        let output = graph.addValue(Value(name: "y"))
        graph.inputs = [Port(name: "x", value: input)]
        graph.outputs = [Port(name: "y", value: output)]
        var inner = Graph(name: "inner")
        let captured = inner.addValue(Value(name: "x"))
        inner.captures = [Capture(outer: input, inner: captured)]
        inner.outputs = [Port(name: "z", value: captured)]
        graph.nodes = [
            Node(
                operatorName: "If",
                operatorSetVersion: 16,
                attributes: ["then_branch": .graph(inner), "others": .graphs([inner, inner])],
                inputs: [input],
                outputs: [output]
            )
        ]
        return graph
    }
}
