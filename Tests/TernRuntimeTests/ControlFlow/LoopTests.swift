import Foundation
import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct LoopTests {
    private func truth(_ value: Bool) -> Tensor {
        Tensor(elementType: .bool, shape: [], values: [UInt8(value ? 1 : 0)])
    }

    /// The body's first two inputs, with the states' names.
    private func body(
        _ maker: GraphMaker,
        capturing names: [String] = [],
        states: [String],
        _ build: (inout GraphMaker) -> Void
    ) -> Attribute {
        maker.subgraph(capturing: names) { inner in
            inner.input("i", nil, .int64)
            inner.input("c", nil, .bool)
            for state in states { inner.input(state, nil) }
            build(&inner)
        }
    }

    /// Fibonacci's numbers: (a, b) becomes (b, a + b), so that one output is another's input.
    private func fibonacci(stacks: Bool = false, countIsKnown: Bool = false) throws -> CompiledModel
    {
        var maker = GraphMaker()
        if countIsKnown {
            maker.weight("n", .integers([5], []))
        } else {
            maker.input("n", [], .int64)
        }
        maker.input("a", [.symbolic("k")])
        maker.input("b", [.symbolic("k")])
        let loop = body(maker, states: ["x", "y"]) { inner in
            inner.node("Add", ["x", "y"], ["sum"])
            inner.output("c")
            inner.output("y")
            inner.output("sum")
            if stacks { inner.output("x") }
        }
        let outputs = ["p", "q"] + (stacks ? ["all"] : [])
        maker.node("Loop", ["n", "", "a", "b"], outputs, ["body": loop])
        for name in outputs { maker.output(name) }
        return try CompiledModel(maker.graph)
    }

    @Test func `states go from one iteration to the next`() throws {
        let model = try fibonacci()
        let session = Session(model)
        for (count, expected) in [(0, (0, 1)), (1, (1, 1)), (2, (1, 2)), (7, (13, 21))]
            as [(Int64, (Float, Float))]
        {
            let found = try session([.integers([count], []), .floats([0]), .floats([1])])
            #expect(found[0].floats == [expected.0] && found[1].floats == [expected.1])
        }
        #expect(try model.plan(for: [[], [1], [1]]).dynamicNodes.isEmpty)
    }

    @Test func `slices are stacked, whether or not their number is known beforehand`() throws {
        let known = Session(try fibonacci(stacks: true, countIsKnown: true))
        let found = try known([.floats([0, 0]), .floats([1, 2])])
        #expect(found[2].shape == [5, 2])
        #expect(found[2].floats == [0, 0, 1, 2, 1, 2, 2, 4, 3, 6])
        #expect(try known.model.plan(for: [[2], [2]]).dynamicNodes.isEmpty)
        let open = Session(try fibonacci(stacks: true))
        for count in [5, 1, 5] as [Int64] {
            let other = try open([.integers([count], []), .floats([0, 0]), .floats([1, 2])])
            #expect(other[2].shape == [Int(count), 2])
            #expect(other[2].floats == Array(found[2].floats.prefix(2 * Int(count))))
        }
    }

    /// Doubles x until it is above `limit`, with no count at all.
    private func doubling(options: CompiledModel.Options = .init()) throws -> CompiledModel {
        var maker = GraphMaker()
        maker.input("go", [], .bool)
        maker.input("x", [])
        maker.input("limit", [])
        let loop = body(maker, capturing: ["limit"], states: ["x"]) { inner in
            inner.node("Add", ["x", "x"], ["double"])
            inner.node("Less", ["double", "limit"], ["isLess"])
            inner.output("isLess")
            inner.output("double")
        }
        maker.node("Loop", ["", "go", "x"], ["y"], ["body": loop])
        maker.output("y")
        return try CompiledModel(maker.graph, options: options)
    }

    @Test func `a condition ends a loop, or keeps it from beginning`() throws {
        let session = Session(try doubling())
        #expect(
            try session([truth(true), .floats([1], []), .floats([100], [])])[0].floats == [128]
        )
        #expect(try session([truth(false), .floats([3], []), .floats([100], [])])[0].floats == [3])
    }

    @Test func `a loop without end reaches its limit, and the session goes on`() throws {
        let session = Session(try doubling(options: .init(iterationCountLimit: 1000)))
        let error = #expect(throws: RuntimeError.self) {
            try session([truth(true), .floats([0], []), .floats([1], [])])
        }
        #expect(error?.description.contains("has run 1000 times and would go on") == true)
        #expect(try session([truth(true), .floats([1], []), .floats([3], [])])[0].floats == [4])
    }

    @Test func `a loop is stopped from outside`() throws {
        let session = Session(try doubling(options: .init(iterationCountLimit: .max)))
        let interruption = Interruption()
        let thread = Thread {
            Thread.sleep(forTimeInterval: 0.05)
            interruption.request()
        }
        thread.start()
        for (index, tensor) in [truth(true), .floats([0], []), .floats([1], [])].enumerated() {
            try session.bindInput(index, tensor)
        }
        #expect(throws: RuntimeError.interrupted) { try session.run(unless: interruption) }
    }

    @Test func `a huge count is refused before memory is taken for its slices`() throws {
        for isKnown in [true, false] {
            var maker = GraphMaker()
            if isKnown {
                maker.weight("n", .integers([.max], []))
            } else {
                maker.input("n", [], .int64)
            }
            maker.input("x", [.fixed(4)])
            let loop = body(maker, states: ["x"]) { inner in
                inner.output("c")
                inner.output("x")
                inner.node("Neg", ["x"], ["slice"])
                inner.output("slice")
            }
            maker.node("Loop", ["n", "", "x"], ["y", "all"], ["body": loop])
            maker.output("all")
            let error = #expect(throws: (any Error).self) {
                let model = try CompiledModel(
                    maker.graph,
                    options: .init(memoryByteCountLimit: 1 << 16)
                )
                let count = isKnown ? [] : [Tensor.integers([.max], [])]
                _ = try Session(model)(count + [.floats([1, 2, 3, 4])])
            }
            let text = "\(String(describing: error))"
            #expect(text.contains("large") || text.contains("bytes") || text.contains("memory"))
        }
    }

    @Test func `a state may grow`() throws {
        var maker = GraphMaker()
        maker.input("n", [], .int64)
        maker.input("x", [.symbolic("k")])
        let loop = body(maker, states: ["x"]) { inner in
            inner.node("Concat", ["x", "x"], ["twice"], ["axis": .int(0)])
            inner.output("c")
            inner.output("twice")
        }
        maker.node("Loop", ["n", "", "x"], ["y"], ["body": loop])
        maker.output("y")
        let session = Session(try CompiledModel(maker.graph))
        #expect(try session([.integers([3], []), .floats([1, 2])])[0].shape == [16])
        #expect(try session([.integers([0], []), .floats([1, 2])])[0].shape == [2])
    }

    @Test func `the number of the iteration can be read`() throws {
        var maker = GraphMaker()
        maker.weight("n", .integers([4], []))
        maker.input("x", [])
        let loop = body(maker, states: ["x"]) { inner in
            inner.node("Cast", ["i"], ["number"], ["to": .int(1)])
            inner.node("Add", ["x", "number"], ["sum"])
            inner.output("c")
            inner.output("sum")
            inner.output("number")
        }
        maker.node("Loop", ["n", "", "x"], ["y", "all"], ["body": loop])
        maker.output("y")
        maker.output("all")
        let found = try Session(try CompiledModel(maker.graph))([.floats([10], [])])
        #expect(found[0].floats == [16] && found[1].floats == [0, 1, 2, 3])
    }

    @Test func `a Loop that contradicts itself is refused`() throws {
        func refusal(
            _ inputs: [String],
            states: [String] = ["x"],
            _ build: (inout GraphMaker) -> Void
        ) -> String {
            var maker = GraphMaker()
            maker.input("n", [], .int64)
            maker.input("x", [.fixed(2)])
            let loop = body(maker, states: states, build)
            maker.node("Loop", inputs, ["y"], ["body": loop])
            maker.output("y")
            do {
                let model = try CompiledModel(maker.graph)
                _ = try Session(model)([.integers([2], []), .floats([1, 2])])
                return "it ran"
            } catch {
                return "\(error)"
            }
        }
        #expect(
            refusal(["n", "", "x"], states: []) { $0.output("c") }
                .contains("the body takes 2 inputs, expected 3 for 1 states")
        )
        #expect(
            refusal(["n", "", "x"]) { $0.output("c") }
                .contains("gives 1 outputs, which do not fit 1 states and 1 outputs")
        )
        #expect(
            refusal(["n", "", "x"]) {
                $0.node("Cast", ["x"], ["whole"], ["to": .int(7)])
                $0.output("c")
                $0.output("whole")
            }.contains("state 0 begins as FP32 and becomes INT64")
        )
        #expect(
            refusal(["x", "", "x"]) {
                $0.output("c")
                $0.output("x")
            }.contains("INT64")
        )
    }

    /// Every level looks at the level below once with its state as it begins and once as it grows.
    @Test func `loops in loops whose states change do not take time without end`() throws {
        func fill(_ maker: inout GraphMaker, _ depth: Int) {
            maker.weight("n", .integers([1], []))
            maker.weight("start", .floats([1]))
            let inner = body(maker, states: ["x"]) { inner in
                if depth > 1 { fill(&inner, depth - 1) } else { inner.node("Neg", ["x"], ["y"]) }
                inner.node("Concat", ["x", "y"], ["longer"], ["axis": .int(0)])
                inner.output("c")
                inner.output("longer")
            }
            maker.node("Loop", ["n", "", "start"], ["y"], ["body": inner])
        }
        for (depth, isFine) in [(3, true), (24, false)] {
            var maker = GraphMaker()
            fill(&maker, depth)
            maker.output("y")
            if isFine {
                #expect(try Session(try CompiledModel(maker.graph))([])[0].shape == [4])
            } else {
                let error = #expect(throws: GraphError.self) { try CompiledModel(maker.graph) }
                #expect(error?.description.contains("looked at more than") == true)
            }
        }
    }
}
