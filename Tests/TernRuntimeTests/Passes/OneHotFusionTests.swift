import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Products with one-hot vectors.
@Suite struct OneHotFusionTests {
    private func run(
        range: [Int64] = [0, 1, 2, 3],
        bias: Shape? = nil,
        showsVectors: Bool = false,
        weight: Tensor = scattered([4, 5])
    ) throws -> PassComparison {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(6), .fixed(1)], .int64)
        maker.weight("range", .integers(range, [1, 1, 4]))
        maker.weight("w", weight)
        maker.node("Equal", ["x", "range"], ["e"])
        maker.node("Cast", ["e"], ["c"], ["to": .int(1)])
        maker.node("MatMul", ["c", "w"], ["p"])
        if let bias {
            maker.weight("b", scattered(bias, seed: 3))
            maker.node("Add", ["p", "b"], ["y"])
        }
        maker.output(bias == nil ? "p" : "y")
        if showsVectors { maker.output("c") }
        let numbers: [Int64] = [0, 3, 1, 2, 2, 0, -1, 4, 3, .min, .max, 1]
        return try PassComparison(maker.graph, [.integers(numbers, [2, 6, 1])])
    }

    @Test func `rows are looked up, with their bias, and zeros where there is none`() throws {
        for bias: Shape? in [nil, [5]] {
            let result = try run(bias: bias)
            #expect(result.operators == ["ai.tern:Lookup"])
            #expect(result.isEqual)
        }
    }

    @Test func `other comparisons, vectors that others see, and infinite weights stay`() throws {
        for result in [
            try run(range: [0, 1, 3, 2]), try run(showsVectors: true),
            try run(weight: .floats((0..<20).map { $0 == 7 ? .infinity : Float($0) }, [4, 5])),
        ] {
            #expect(result.count(of: "ai.tern:Lookup") == 0)
        }
        let rows = try run(bias: [6, 5])
        #expect(rows.operators == ["ai.tern:Lookup", "Add"])
        #expect(rows.isEqual)
    }
}
