import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct ReductionOperatorTests {
    private let six = f([1, 2, 3, 4, 5, 6], [2, 3])

    @Test func `axes come as an attribute or as an input, by version`() throws {
        let attribute = OperatorRunner("ReduceMean", version: 13, ["axes": .ints([-1])])
        #expect(try attribute.floats(six) == [2, 5])
        #expect(try attribute.shape(six) == [2, 1])
        #expect(
            try OperatorRunner("ReduceMean", version: 18).floats(six, wi([0])) == [2.5, 3.5, 4.5]
        )
        #expect(try OperatorRunner("ReduceSum", version: 13).floats(six, i([1])) == [6, 15])
        #expect(
            try OperatorRunner("ReduceSum", version: 11, ["axes": .ints([1]), "keepdims": .int(0)])
                .shape(six) == [2]
        )
    }

    @Test func `without axes everything is folded, or nothing if that is asked for`() throws {
        #expect(try OperatorRunner("ReduceSum", version: 13).floats(six) == [21])
        #expect(
            try OperatorRunner("ReduceSum", version: 13, ["keepdims": .int(0)]).shape(six) == []
        )
        let kept = OperatorRunner("ReduceSum", version: 13, ["noop_with_empty_axes": .int(1)])
        #expect(try kept.floats(six) == [1, 2, 3, 4, 5, 6])
    }

    @Test(arguments: [
        ("ReduceMax", [3, 6] as [Float]), ("ReduceMin", [1, 4]), ("ReduceProd", [6, 120]),
        ("ReduceL1", [6, 15]), ("ReduceL2", [3.741_657_5, 8.774_964]),
        ("ReduceSumSquare", [14, 77]), ("ReduceLogSum", [1.791_759_5, 2.708_050_2]),
        ("ReduceLogSumExp", [3.407_606, 6.407_606]),
    ])
    func `every fold along a row`(_ name: String, _ expected: [Float]) throws {
        let reduce = OperatorRunner(name, version: 13, ["axes": .ints([1]), "keepdims": .int(0)])
        expectClose(try reduce.floats(six), expected)
    }

    @Test func `several axes that do not touch`() throws {
        let x = f((1...8).map { Float($0) }, [2, 2, 2])
        let reduce = OperatorRunner("ReduceSum", version: 11, ["axes": .ints([0, 2])])
        #expect(try reduce.floats(x) == [14, 22])
    }

    @Test func `a sum of nothing is zero, a maximum of NaN is NaN`() throws {
        #expect(
            try OperatorRunner("ReduceSum", version: 13).floats(f([], [2, 0]), wi([1])) == [0, 0]
        )
        #expect(
            try OperatorRunner("ReduceMax", version: 13).floats(f([1, .nan, 3]))[0].isNaN
        )
    }

    @Test func `an axis that is not there is refused`() {
        #expect(
            OperatorRunner("ReduceSum", version: 13).refusal(six, wi([2])).contains("axis 2")
        )
    }

    @Test func `ArgMax takes the first or the last of equals`() throws {
        let x = f([1, 3, 3, 2], [1, 4])
        #expect(try OperatorRunner("ArgMax", version: 13, ["axis": .int(-1)]).integers(x) == [1])
        let last = OperatorRunner(
            "ArgMax",
            version: 13,
            ["axis": .int(1), "select_last_index": .int(1), "keepdims": .int(0)]
        )
        #expect(try last.integers(x) == [2])
        #expect(try last.shape(x) == [1])
        #expect(try OperatorRunner("ArgMin", version: 13).integers(six) == [0, 0, 0])
    }

    // MARK: Softmax

    @Test func `Softmax is along one axis from version 13 on`() throws {
        let softmax = OperatorRunner("Softmax", version: 13, ["axis": .int(0)])
        expectClose(try softmax.floats(f([0, 0, 0, 0], [2, 2])), [0.5, 0.5, 0.5, 0.5])
        let row = try OperatorRunner("Softmax", version: 13).floats(f([1, 2, 3]))
        expectClose(row, [0.090_030_57, 0.244_728_48, 0.665_240_94])
    }

    @Test func `Softmax before version 13 takes the axes from one on together`() throws {
        let softmax = OperatorRunner("Softmax", version: 11, ["axis": .int(1)])
        expectClose(
            try softmax.floats(f([0, 0, 0, 0, 0, 0, 0, 0], [2, 2, 2])),
            Array(repeating: 0.25, count: 8)
        )
    }

    @Test func `Softmax does not overflow, and LogSoftmax is its logarithm`() throws {
        expectClose(
            try OperatorRunner("Softmax", version: 13).floats(f([1000, 1000])),
            [0.5, 0.5]
        )
        expectClose(
            try OperatorRunner("LogSoftmax", version: 13).floats(f([0, 1000])),
            [-1000, 0]
        )
    }

    @Test func `Hardmax marks the first largest`() throws {
        #expect(
            try OperatorRunner("Hardmax", version: 13).floats(f([1, 3, 3, 2], [2, 2]))
                == [0, 1, 1, 0]
        )
    }
}
