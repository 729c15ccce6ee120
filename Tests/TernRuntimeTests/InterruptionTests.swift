import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct InterruptionTests {
    /// y = −(−x), with two nodes that nothing folds away.
    private func session() throws -> Session {
        var graph = Graph(operatorSetVersions: ["": 17])
        let x = graph.addValue(Value(name: "x", elementType: .fp32, dimensions: [.fixed(2)]))
        let middle = graph.addValue(Value(name: "m"))
        let y = graph.addValue(Value(name: "y"))
        graph.inputs = [Port(name: "x", value: x)]
        graph.outputs = [Port(name: "y", value: y)]
        for (input, output) in [(x, middle), (middle, y)] {
            graph.nodes.append(
                Node(
                    operatorName: "Neg",
                    operatorSetVersion: 17,
                    inputs: [input],
                    outputs: [output]
                )
            )
        }
        return Session(try CompiledModel(graph))
    }

    @Test func `a call that is to stop stops, and the session runs the next one`() throws {
        let session = try session()
        let interruption = Interruption()
        let input = Tensor(elementType: .fp32, shape: [2], values: [1, -2] as [Float])
        try session.bindInput(0, input)
        interruption.request()
        #expect(throws: RuntimeError.interrupted) { try session.run(unless: interruption) }
        interruption.reset()
        try session.bindInput(0, input)
        try session.run(unless: interruption)
        #expect(session.output(0).elements(as: Float.self) == [1, -2])
    }
}
