import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Normalisations in parts.
@Suite struct NormalizationPatternTests {
    private struct Variant {
        var multipliesByInverse = false
        var dividesOne = false
        var squaresByPower = true
        var hasMean = true
        var hasScale = true
        var hasBias = true
        var meanAxes: [Int] = [-1]
        var squareAxes: [Int] = [-1]
        var exponent: Float = 2
        var scaleShape: Shape = [6]
        var keepsAxes = true
        var showsDifference = false
    }

    private func run(_ variant: Variant) throws -> PassComparison {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .fixed(6), .fixed(6)])
        maker.weight("two", .floats([variant.exponent], []))
        maker.weight("epsilon", .floats([1e-5], []))
        maker.weight("one", .floats([1], []))
        maker.weight("scale", scattered(variant.scaleShape, seed: 3))
        maker.weight("bias", scattered([6], seed: 4))
        let keeps = Attribute.int(variant.keepsAxes ? 1 : 0)
        var d = "x"
        if variant.hasMean {
            maker.node(
                "ReduceMean",
                ["x"],
                ["mean"],
                ["axes": .ints(variant.meanAxes), "keepdims": keeps]
            )
            maker.node("Sub", ["x", "mean"], ["d"])
            d = "d"
        }
        if variant.squaresByPower {
            maker.node("Pow", [d, "two"], ["square"])
        } else {
            maker.node("Mul", [d, d], ["square"])
        }
        maker.node(
            "ReduceMean",
            ["square"],
            ["variance"],
            ["axes": .ints(variant.squareAxes), "keepdims": .int(1)]
        )
        maker.node("Add", ["variance", "epsilon"], ["sum"])
        maker.node("Sqrt", ["sum"], ["root"])
        if variant.multipliesByInverse {
            if variant.dividesOne {
                maker.node("Div", ["one", "root"], ["inverse"])
            } else {
                maker.node("Reciprocal", ["root"], ["inverse"])
            }
            maker.node("Mul", [d, "inverse"], ["n"])
        } else {
            maker.node("Div", [d, "root"], ["n"])
        }
        var last = "n"
        if variant.hasScale {
            maker.node("Mul", ["scale", last], ["scaled"])
            last = "scaled"
        }
        if variant.hasBias {
            maker.node("Add", [last, "bias"], ["biased"])
            last = "biased"
        }
        maker.output(last)
        if variant.showsDifference { maker.output(d) }
        return try PassComparison(maker.graph, [scattered([3, 6, 6])])
    }

    @Test func `a normalization by mean and variance is found in its forms`() throws {
        for variant in [
            Variant(), Variant(multipliesByInverse: true),
            Variant(multipliesByInverse: true, dividesOne: true), Variant(squaresByPower: false),
            Variant(hasBias: false), Variant(hasScale: false),
            Variant(hasScale: false, hasBias: false),
            Variant(meanAxes: [1, 2], squareAxes: [2, 1], scaleShape: [6, 6]),
            Variant(scaleShape: [1, 1, 6]), Variant(scaleShape: [1]),
        ] {
            let result = try run(variant)
            #expect(result.operators == ["LayerNormalization"])
            #expect(result.isClose())
        }
    }

    @Test func `a normalization by the mean of squares is found`() throws {
        for variant in [
            Variant(hasMean: false, hasBias: false),
            Variant(multipliesByInverse: true, hasMean: false, hasBias: false),
            Variant(squaresByPower: false, hasMean: false, hasScale: false, hasBias: false),
        ] {
            let result = try run(variant)
            #expect(result.operators == ["RMSNormalization"])
            #expect(result.isClose())
        }
    }

    @Test func `what scale and bias tell apart by rows stays outside`() throws {
        let result = try run(Variant(scaleShape: [6, 1]))
        #expect(result.operators == ["LayerNormalization", "Mul", "Add"])
        #expect(result.isClose())
    }

    @Test func `TensorFlow's form is found`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(4), .fixed(8)])
        maker.weight("epsilon", .floats([1e-3], [1]))
        maker.weight("scale", scattered([8], seed: 2))
        maker.weight("bias", scattered([8], seed: 3))
        let axes: [String: Attribute] = ["axes": .ints([1])]
        maker.node("ReduceMean", ["x"], ["mean"], axes)
        maker.node("Sub", ["x", "mean"], ["d"])
        maker.node("Mul", ["d", "d"], ["square"])
        maker.node("ReduceMean", ["square"], ["variance"], axes)
        maker.node("Add", ["epsilon", "variance"], ["sum"])
        maker.node("Sqrt", ["sum"], ["root"])
        maker.node("Reciprocal", ["root"], ["inverse"])
        maker.node("Mul", ["inverse", "scale"], ["factor"])
        maker.node("Mul", ["x", "factor"], ["direct"])
        maker.node("Mul", ["mean", "factor"], ["shift"])
        maker.node("Sub", ["bias", "shift"], ["rest"])
        maker.node("Add", ["direct", "rest"], ["y"])
        maker.output("y")
        let result = try PassComparison(maker.graph, [scattered([4, 8])])
        #expect(result.operators == ["LayerNormalization"])
        #expect(result.isClose())
    }

    @Test func `what only looks like a normalization stays`() throws {
        for variant in [
            Variant(exponent: 3), Variant(meanAxes: [1]), Variant(meanAxes: [1], squareAxes: [1]),
            Variant(showsDifference: true),
            Variant(meanAxes: [0], squareAxes: [0], keepsAxes: true),
        ] {
            let result = try run(variant)
            #expect(!result.operators.contains("LayerNormalization"))
        }
    }
}
