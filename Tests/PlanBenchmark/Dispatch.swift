import TernGraph
import TernRuntime
import TernTensor

/// What a node costs besides its arithmetic: a chain of nodes of one element each.
enum Dispatch {
    private static let nodeCounts = [20, 220]
    private static let roundCount = 400

    /// Prints nanoseconds per node, the fastest round's.
    static func measure() throws {
        for operators in [["Relu"], ["Neg"], ["Add"], ["Neg", "Relu", "Add"]] {
            for isStoppable in [false, true] {
                var times: [Double] = []
                for count in nodeCounts {
                    times.append(try time(operators, count, isStoppable))
                }
                // The difference of two lengths, so that what a call costs is not in it.
                let each = (times[1] - times[0]) / Double(nodeCounts[1] - nodeCounts[0])
                let how = isStoppable ? ", stoppable" : ""
                print(
                    "\(operators.joined(separator: "+"))\(how): "
                        + "\((each * 10).rounded() / 10) ns a node, "
                        + "\(Int(times[0] - each * Double(nodeCounts[0]))) ns a call"
                )
            }
        }
    }

    /// The fastest call's nanoseconds.
    private static func time(
        _ operators: [String],
        _ count: Int,
        _ isStoppable: Bool
    ) throws -> Double {
        let session = Session(try CompiledModel(chain(operators, count)))
        let interruption = isStoppable ? Interruption() : nil
        let input = Tensor(elementType: .fp32, shape: [1], values: [1.5] as [Float])
        try session.bindInput(0, input)
        let plan = try session.run { _, _ in }
        precondition(plan.steps.count == count, "the chain has become shorter")
        let clock = ContinuousClock()
        var best = Double.infinity
        for _ in 0..<roundCount {
            let start = clock.now
            for _ in 0..<20 { try session.run(unless: interruption) }
            best = min(best, (clock.now - start) / .nanoseconds(1) / 20)
        }
        return best
    }

    private static func chain(_ operators: [String], _ count: Int) -> Graph {
        var graph = Graph(name: "chain", operatorSetVersions: ["": 17])
        var last = graph.addValue(Value(name: "x", elementType: .fp32, dimensions: [.fixed(1)]))
        let addend = graph.addInitializer(
            name: "a",
            Tensor(elementType: .fp32, shape: [1], values: [0.5] as [Float])
        )
        graph.inputs.append(Port(name: "x", value: last))
        for index in 0..<count {
            let name = operators[index % operators.count]
            let next = graph.addValue(Value(name: "v\(index)"))
            graph.nodes.append(
                Node(
                    operatorName: name,
                    operatorSetVersion: 17,
                    inputs: name == "Add" ? [last, addend] : [last],
                    outputs: [next]
                )
            )
            last = next
        }
        graph.outputs.append(Port(name: "y", value: last))
        return graph
    }
}
