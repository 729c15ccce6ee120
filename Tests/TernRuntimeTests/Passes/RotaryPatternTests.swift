import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Rotations by position in parts.
@Suite struct RotaryPatternTests {
    private struct Variant {
        var splits = false
        var swapsHalves = false
        var negates = true
        var joinsWithItself = true
        var scale: Float?
        var batch = 1
    }

    /// x [batch, 2, length, 6], turned by angles that follow from positions [1, length, 1].
    private func run(_ variant: Variant) throws -> PassComparison {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .fixed(2), .symbolic("length"), .fixed(6)])
        maker.input("positions", [.fixed(1), .symbolic("length"), .fixed(1)])
        maker.weight("frequencies", .floats([1, 0.3, 0.05], [1, 1, 3]))
        maker.node("Mul", ["positions", "frequencies"], ["f"])
        maker.node("Neg", ["f"], ["g"])
        maker.node(
            "Concat",
            ["f", variant.joinsWithItself ? "f" : "g"],
            ["angles"],
            ["axis": .int(-1)]
        )
        maker.weight("axis 1", .integers([1]))
        maker.weight("scale", .floats([variant.scale ?? 1], []))
        for (function, name) in [("Cos", "cosines"), ("Sin", "sines")] {
            maker.node(function, ["angles"], ["\(name)0"])
            var last = "\(name)0"
            if variant.scale != nil {
                maker.node("Mul", [last, "scale"], ["\(name)1"])
                last = "\(name)1"
            }
            maker.node("Unsqueeze", [last, "axis 1"], [name])
        }
        if variant.splits {
            maker.node("Split", ["x"], ["a", "b"], ["axis": .int(-1)])
        } else {
            for (name, value) in [
                ("zero", Int64(0)), ("three", 3), ("end", .max), ("axis 3", 3), ("step", 1),
            ] { maker.weight(name, .integers([value])) }
            maker.node("Slice", ["x", "zero", "three", "axis 3", "step"], ["a"])
            maker.node("Slice", ["x", "three", "end", "axis 3", "step"], ["b"])
        }
        let (first, second) = variant.swapsHalves ? ("b", "a") : ("a", "b")
        maker.node(variant.negates ? "Neg" : "Abs", [second], ["n"])
        maker.node("Concat", ["n", first], ["r"], ["axis": .int(-1)])
        maker.node("Mul", ["x", "cosines"], ["direct"])
        maker.node("Mul", ["r", "sines"], ["turned"])
        maker.node("Add", ["direct", "turned"], ["y"])
        maker.output("y")
        let batch = variant.batch
        return try PassComparison(
            maker.graph,
            [scattered([batch, 2, 5, 6]), .floats([0, 1, 2, 3, 4], [1, 5, 1])]
        )
    }

    @Test func `a rotation is found in its forms`() throws {
        for variant in [
            Variant(), Variant(splits: true), Variant(scale: 1.5), Variant(batch: 3),
        ] {
            let result = try run(variant)
            #expect(result.count(of: "RotaryEmbedding") == 1)
            #expect(result.isClose())
        }
    }

    @Test func `what only looks like a rotation stays`() throws {
        for variant in [
            Variant(swapsHalves: true), Variant(negates: false), Variant(joinsWithItself: false),
        ] {
            let result = try run(variant)
            #expect(result.count(of: "RotaryEmbedding") == 0)
            #expect(result.isClose())
        }
    }
}
