import TernTensor
import Testing

@testable import TernGraph

private let batch = Dimension.symbolic("batch")

@Suite struct ShapeRuleTests {
    @Test func `broadcasting follows numpy`() throws {
        func broadcast(_ a: [Dimension], _ b: [Dimension]) throws -> [Dimension] {
            let forwards = try ShapeInferenceContext.broadcast(a, b)
            #expect(try ShapeInferenceContext.broadcast(b, a) == forwards)
            return forwards
        }
        #expect(try broadcast([], []) == [])
        #expect(try broadcast([.fixed(2), .fixed(3)], [.fixed(3)]) == [.fixed(2), .fixed(3)])
        #expect(try broadcast([.fixed(2), .fixed(1)], [.fixed(3)]) == [.fixed(2), .fixed(3)])
        #expect(try broadcast([.fixed(0)], [.fixed(1)]) == [.fixed(0)])
        #expect(try broadcast([batch, .fixed(4)], [batch, .fixed(1)]) == [batch, .fixed(4)])
        #expect(try broadcast([batch], [.fixed(1)]) == [batch])
        #expect(try broadcast([batch], [.fixed(5)]) == [.fixed(5)])
        #expect(try broadcast([.unknown], [.fixed(5)]) == [.fixed(5)])
        #expect(try broadcast([.unknown], [.fixed(1)]) == [.unknown])
        #expect(try broadcast([batch], [.symbolic("other")]) == [.unknown])
        #expect(throws: OperatorError("[4] cannot be broadcast with [2, 3]")) {
            try ShapeInferenceContext.broadcast([.fixed(2), .fixed(3)], [.fixed(4)])
        }
        #expect(throws: OperatorError.self) { try broadcast([.fixed(0)], [.fixed(2)]) }
    }

    @Test func `reshape fills in what is left`() throws {
        func reshape(
            _ from: [Dimension]?,
            _ to: [Dimension],
            zero: Bool = false
        ) throws(OperatorError) -> [Dimension] {
            try ShapeInferenceContext.reshape(from, to: to, allowsZero: zero)
        }
        #expect(
            try reshape([.fixed(2), .fixed(6)], [.fixed(-1), .fixed(4)]) == [.fixed(3), .fixed(4)]
        )
        #expect(
            try reshape([batch, .fixed(2), .fixed(3)], [batch, .fixed(-1)]) == [batch, .fixed(6)]
        )
        #expect(
            try reshape([batch, .fixed(2), .fixed(3)], [.fixed(-1), .fixed(6)]) == [
                batch, .fixed(6),
            ]
        )
        #expect(
            try reshape([batch, .fixed(6)], [.fixed(0), .fixed(2), .fixed(-1)])
                == [batch, .fixed(2), .fixed(3)]
        )
        #expect(
            try reshape([batch, .fixed(6)], [.unknown, .fixed(6)]) == [batch, .fixed(6)]
        )
        #expect(
            try reshape([batch, .fixed(6)], [.fixed(4), .fixed(-1)]) == [.fixed(4), .unknown]
        )
        #expect(
            try reshape(nil, [.fixed(0), .fixed(-1), .fixed(3)]) == [.unknown, .unknown, .fixed(3)]
        )
        #expect(
            try reshape([.fixed(0), .fixed(3)], [.fixed(0), .fixed(5)], zero: true)
                == [.fixed(0), .fixed(5)]
        )
        #expect(try reshape([], [.fixed(1), .fixed(-1)]) == [.fixed(1), .fixed(1)])
        #expect(try reshape([.fixed(1)], []) == [])
    }

    @Test(arguments: [
        ([2, 6], [-1, 5]), ([2, 6], [3, 5]), ([2, 6], [-1, -1]), ([2, 6], [-2, 6]),
        ([2, 6], [2, 6, 0]), ([2, 6], []), ([0, 3], [0, -1]),
    ])
    func `a reshape that cannot be is an error`(_ from: [Int], _ to: [Int]) {
        #expect(throws: OperatorError.self) {
            try ShapeInferenceContext.reshape(
                from.map { .fixed($0) },
                to: to.map { .fixed($0) },
                allowsZero: false
            )
        }
    }

    private func context(_ facts: [ValueFact?]) -> ShapeInferenceContext {
        ShapeInferenceContext(
            node: Node(
                operatorName: "Test",
                operatorSetVersion: 1,
                inputs: [],
                outputs: [ValueID(0)]
            ),
            inputs: facts,
            inputNames: ["first", "second"]
        )
    }

    @Test func `axes count from either end`() throws {
        let context = context([])
        #expect(try context.normalizedAxis(-1, rank: 3) == 2)
        #expect(try context.normalizedAxis(3, rank: 3, allowsEnd: true) == 3)
        #expect(throws: OperatorError("axis 3 is outside -3...2")) {
            try context.normalizedAxis(3, rank: 3)
        }
        #expect(throws: OperatorError.self) { try context.normalizedAxis(-4, rank: 3) }
        #expect(throws: OperatorError.self) { try context.normalizedAxis(.min, rank: 3) }
        #expect(throws: OperatorError.self) { try context.normalizedAxis(0, rank: 0) }
        #expect(try context.normalizedAxes([-1, 0], rank: 3) == [0, 2])
        #expect(throws: OperatorError.self) { try context.normalizedAxes([1, -2], rank: 3) }
    }

    @Test func `types must agree, and errors name the inputs`() throws {
        let mixed = context([ValueFact(elementType: .fp32), ValueFact(elementType: .int64)])
        #expect(
            throws: OperatorError(#"input 1 ("second") is INT64, but input 0 ("first") is FP32"#)
        ) { try mixed.commonElementType(of: 0...1) }
        #expect(throws: OperatorError.self) { try mixed.requireElementType(1, in: [.fp32, .fp64]) }
        try mixed.requireElementType(0, in: [.fp32])
        try mixed.requireElementType(7, in: [.fp32])
        let half = context([nil, ValueFact(elementType: .int64)])
        #expect(try half.commonElementType(of: 0...1) == .int64)
        #expect(!half.hasInput(0) && half.hasInput(1) && !half.hasInput(2) && !half.hasInput(-1))
    }

    @Test func `ranks are required only where they are known`() throws {
        let known = context([ValueFact(dimensions: [batch, .fixed(2)]), ValueFact()])
        try known.requireRank(0, in: 2...4)
        try known.requireRank(1, in: 3...3)
        #expect(throws: OperatorError(#"input 0 ("first") has 2 axes, expected 3"#)) {
            try known.requireRank(0, in: 3...3)
        }
    }

    @Test func `attributes have defaults, kinds and errors`() throws {
        let node = Node(
            operatorName: "Test",
            operatorSetVersion: 1,
            attributes: [
                "axis": .int(2), "scale": .float(0.5), "mode": .string(Array("edge".utf8)),
                "pads": .ints([1, 2]),
            ],
            inputs: [],
            outputs: []
        )
        #expect(try node.int("axis", default: 0) == 2 && node.int("axis") == 2)
        #expect(try node.int("other", default: 7) == 7)
        #expect(try node.float("scale", default: 1) == 0.5)
        #expect(try node.string("mode", default: "constant") == "edge")
        #expect(try node.ints("pads") == [1, 2])
        #expect(try node.ints("other") == nil && node.floats("other") == nil)
        #expect(throws: OperatorError("the attribute other is missing")) { try node.int("other") }
        #expect(throws: OperatorError("the attribute axis must be integers, found an integer")) {
            try node.ints("axis")
        }
        #expect(throws: OperatorError.self) { try node.float("axis", default: 0) }
        #expect(throws: OperatorError.self) { try node.graph("axis") }
    }
}
