import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Attention in the parts that exporters write, and what only looks like it.
@Suite struct AttentionFusionTests {
    private static let fused = "ai.tern:Attention"

    /// What differs between the exporters, and what should keep the parts as they are.
    private struct Variant {
        var keyOrder = [0, 2, 3, 1]
        var scalesOperands = false
        var divides = false
        var mask: Shape?
        var guardsAgainstNaN = false
        var axis = -1
        var showsWeights = false
        var valueHeads = 2
        var joinsHeads = true
    }

    /// x [batch, length, 8] to two heads of 4 and back.
    private func run(_ variant: Variant) throws -> PassComparison {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .symbolic("length"), .fixed(8)])
        if let mask = variant.mask { maker.input("mask", mask.map { .fixed($0) }) }
        maker.weight("heads", .integers([0, 0, 2, 4]))
        maker.weight("value heads", .integers([0, 0, Int64(variant.valueHeads), -1]))
        maker.weight("joined", .integers([0, 0, 8]))
        for (index, name) in ["q", "k", "v"].enumerated() {
            let columns = name == "v" ? variant.valueHeads * 4 : 8
            maker.weight("w\(name)", scattered([8, columns], seed: UInt32(index + 1)))
            maker.node("MatMul", ["x", "w\(name)"], ["\(name)0"])
            let heads = name == "v" ? "value heads" : "heads"
            maker.node("Reshape", ["\(name)0", heads], ["\(name)1"])
        }
        let order: [String: Attribute] = ["perm": .ints([0, 2, 1, 3])]
        maker.node("Transpose", ["q1"], ["q2"], order)
        maker.node("Transpose", ["v1"], ["v2"], order)
        if variant.keyOrder == [0, 1, 3, 2] {
            maker.node("Transpose", ["k1"], ["k1 heads"], order)
            maker.node("Transpose", ["k1 heads"], ["k2"], ["perm": .ints([0, 1, 3, 2])])
        } else {
            maker.node("Transpose", ["k1"], ["k2"], ["perm": .ints(variant.keyOrder)])
        }
        maker.weight("root", .floats([Float(0.5).squareRoot()], []))
        maker.weight("half", .floats([0.5], [1]))
        maker.weight("two", .floats([2], []))
        if variant.scalesOperands {
            maker.node("Mul", ["q2", "root"], ["q3"])
            maker.node("Mul", ["root", "k2"], ["k3"])
            maker.node("MatMul", ["q3", "k3"], ["s0"])
        } else {
            maker.node("MatMul", ["q2", "k2"], ["p"])
            maker.node(
                variant.divides ? "Div" : "Mul",
                ["p", variant.divides ? "two" : "half"],
                ["s0"]
            )
        }
        if variant.mask != nil { maker.node("Add", ["mask", "s0"], ["s1"]) }
        let scores = variant.mask == nil ? "s0" : "s1"
        maker.node("Softmax", [scores], ["weights"], ["axis": .int(variant.axis)])
        var weights = "weights"
        if variant.guardsAgainstNaN {
            maker.weight("zero", .floats([0], []))
            maker.node("IsNaN", ["weights"], ["nan"])
            maker.node("Where", ["nan", "zero", "weights"], ["guarded"])
            weights = "guarded"
        }
        maker.node("MatMul", [weights, "v2"], ["y0"])
        if variant.joinsHeads {
            maker.node("Transpose", ["y0"], ["y1"], order)
            maker.node("Reshape", ["y1", "joined"], ["y"])
            maker.output("y")
        } else {
            maker.output("y0")
        }
        if variant.showsWeights { maker.output("weights") }
        let inputs = [scattered([2, 5, 8], seed: 9)]
        return try PassComparison(
            maker.graph,
            inputs + (variant.mask.map { [scattered($0, seed: 7)] } ?? [])
        )
    }

    @Test func `attention of heads becomes one operator, and transpositions part of it`() throws {
        for variant in [
            Variant(), Variant(keyOrder: [0, 1, 3, 2]), Variant(scalesOperands: true),
            Variant(divides: true), Variant(guardsAgainstNaN: true), Variant(axis: 3),
        ] {
            let result = try run(variant)
            #expect(result.count(of: Self.fused) == 1)
            #expect(result.count(of: "Transpose") == 0)
            #expect(result.count(of: "Softmax") == 0)
            #expect(result.isClose())
        }
    }

    @Test(
        arguments: [[2, 2, 5, 5], [2, 1, 5, 5], [1, 1, 1, 5], [2, 5, 5], [5, 5], [5]] as [Shape]
    )
    func `a mask is added however it is spread`(mask: Shape) throws {
        let result = try run(Variant(mask: mask))
        #expect(result.count(of: Self.fused) == 1)
        #expect(result.isClose())
    }

    @Test func `a result that nobody transposes has its heads first`() throws {
        let result = try run(Variant(joinsHeads: false))
        #expect(result.count(of: Self.fused) == 1)
        #expect(result.fused.shape == [2, 2, 5, 4])
        #expect(result.isClose())
    }

    @Test func `a query without keys gives zeros, as the guarded parts do`() throws {
        var maker = GraphMaker()
        for name in ["q", "k", "v"] {
            maker.input(name, [.fixed(1), .fixed(1), .fixed(3), .fixed(4)])
        }
        var numbers = [Float](repeating: 0, count: 9)
        for key in 0..<3 { numbers[3 + key] = -.infinity }
        maker.weight("mask", .floats(numbers, [1, 1, 3, 3]))
        maker.weight("zero", .floats([0], []))
        maker.node("Transpose", ["k"], ["t"], ["perm": .ints([0, 1, 3, 2])])
        maker.node("MatMul", ["q", "t"], ["p"])
        maker.node("Add", ["p", "mask"], ["s"])
        maker.node("Softmax", ["s"], ["w"])
        maker.node("IsNaN", ["w"], ["nan"])
        maker.node("Where", ["nan", "zero", "w"], ["g"])
        maker.node("MatMul", ["g", "v"], ["y"])
        maker.output("y")
        let inputs = (1...3).map { scattered([1, 1, 3, 4], seed: $0) }
        let result = try PassComparison(maker.graph, inputs)
        #expect(result.operators == [Self.fused])
        #expect(result.fused.floats[4..<8].allSatisfy { $0 == 0 })
        #expect(result.isClose())
    }

    @Test func `three axes are one head`() throws {
        var maker = GraphMaker()
        for name in ["q", "k", "v"] {
            maker.input(name, [.symbolic("batch"), .symbolic("n"), .fixed(4)])
        }
        maker.node("Transpose", ["k"], ["t"], ["perm": .ints([0, 2, 1])])
        maker.node("MatMul", ["q", "t"], ["s"])
        maker.node("Softmax", ["s"], ["w"], ["axis": .int(2)])
        maker.node("MatMul", ["w", "v"], ["y"])
        maker.output("y")
        let inputs = (1...3).map { scattered([2, 3, 4], seed: $0) }
        let result = try PassComparison(maker.graph, inputs)
        #expect(result.operators == [Self.fused])
        #expect(result.isClose())
    }

    @Test func `what only looks like attention stays`() throws {
        for variant in [
            // Softmax over queries, weights that the caller gets, a value that is repeated, a mask per query.
            Variant(axis: 2), Variant(showsWeights: true), Variant(valueHeads: 1),
            Variant(mask: [2, 1, 5, 1]),
        ] {
            let result = try run(variant)
            #expect(result.count(of: Self.fused) == 0)
            #expect(result.isClose())
        }
    }
}
