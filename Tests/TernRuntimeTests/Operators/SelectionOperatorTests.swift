import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct SelectionOperatorTests {
    private let six = f([1, 2, 3, 4, 5, 6], [2, 3])

    @Test func `Compress keeps what the condition says`() throws {
        let rows = OperatorRunner("Compress", version: 11, ["axis": .int(-1)])
        let found = try rows(six, b([false, true, true]))
        #expect(found[0].shape == [2, 2] && found[0].floats == [2, 3, 5, 6])
        let flat = OperatorRunner("Compress", version: 9)
        #expect(try flat.floats(six, b([true, false, false, true])) == [1, 4])
        #expect(rows.refusal(six, b([false, false, false, true])).contains("slice 3"))
    }

    @Test func `Unique sorts, or keeps the order of first meeting`() throws {
        let x = i([2, 1, 1, 3, 4, 3])
        let sorted = try OperatorRunner("Unique", version: 11, outputs: 4)(x)
        #expect(
            sorted.map { $0.integerElements } == [
                [1, 2, 3, 4], [1, 0, 3, 4], [1, 0, 0, 2, 3, 2], [2, 1, 2, 1],
            ]
        )
        let met = try OperatorRunner("Unique", version: 11, ["sorted": .int(0)], outputs: 4)(x)
        #expect(
            met.map { $0.integerElements } == [
                [2, 1, 3, 4], [0, 1, 3, 4], [0, 1, 1, 2, 3, 2], [1, 2, 2, 1],
            ]
        )
    }

    @Test func `Unique compares slices, signs and not-a-numbers`() throws {
        let rows = OperatorRunner("Unique", version: 11, ["axis": .int(0)])
        #expect(try rows.floats(f([1, 0, 1, 0, -2, 3], [3, 2])) == [-2, 3, 1, 0])
        let numbers = try OperatorRunner("Unique", version: 11).floats(
            f([.nan, -1, 0, -0.0, .infinity, .nan, -.infinity])
        )
        #expect(numbers.count == 5 && numbers[0] == -.infinity && numbers[4].isNaN)
        #expect(try OperatorRunner("Unique", version: 11).shape(f([])) == [0])
    }

    @Test func `ReverseSequence turns the beginning of each sequence`() throws {
        let x = f([0, 1, 2, 3, 4, 5, 6, 7], [2, 4])
        let rows = OperatorRunner(
            "ReverseSequence",
            version: 10,
            ["batch_axis": .int(0), "time_axis": .int(1)]
        )
        #expect(try rows.floats(x, i([3, 1])) == [2, 1, 0, 3, 4, 5, 6, 7])
        let columns = OperatorRunner("ReverseSequence", version: 10)
        #expect(try columns.floats(x, i([2, 1, 0, 2])) == [4, 1, 2, 7, 0, 5, 6, 3])
        #expect(rows.refusal(x, i([5, 1])).contains("at most 4"))
        #expect(rows.refusal(x, i([1])).contains("2 sequences"))
    }

    @Test func `TensorScatter writes into a cache, around its end if it is circular`() throws {
        let cache = f([0, 0, 0, 0, 0, 0], [2, 3, 1])
        let update = f([1, 2, 3, 4], [2, 2, 1])
        let linear = OperatorRunner("TensorScatter", version: 24)
        #expect(try linear.floats(cache, update, i([0, 1])) == [1, 2, 0, 0, 3, 4])
        #expect(try linear.floats(cache, update) == [1, 2, 0, 3, 4, 0])
        #expect(linear.refusal(cache, update, i([0, 2])).contains("do not fit"))
        #expect(linear.refusal(cache, update, i([0, -1])).contains("do not fit"))
        let circular = OperatorRunner(
            "TensorScatter",
            version: 24,
            ["mode": .string(Array("circular".utf8))]
        )
        #expect(try circular.floats(cache, update, i([2, 3])) == [2, 0, 1, 3, 4, 0])
        #expect(try circular.floats(cache, update, i([.max, 0])).count == 6)
    }

    @Test func `CenterCropPad cuts one axis and fills another`() throws {
        let found = try OperatorRunner("CenterCropPad", version: 18)(six, wi([4, 1]))
        #expect(found[0].shape == [4, 1] && found[0].floats == [0, 2, 5, 0])
        let one = OperatorRunner("CenterCropPad", version: 18, ["axes": .ints([-1])])
        #expect(try one.shape(six, i([5])) == [2, 5])
        #expect(one.refusal(six, wi([5, 5])).contains("2 sizes"))
    }

    @Test(arguments: [ElementType.int16, .uint64, .fp16, .bf16])
    func `TopK and CumSum take every type`(_ type: ElementType) throws {
        let x: Argument =
            switch type {
            case .int16: t(type, [3, 1, 2] as [Int16])
            case .uint64: t(type, [3, 1, 2] as [UInt64])
            case .fp16: t(type, halves([3, 1, 2]))
            default: t(type, bfloats([3, 1, 2]))
            }
        let top = try OperatorRunner("TopK", version: 24, outputs: 2)(x, wi([2]))
        #expect(try CastOperators.doubles(top[0]) == [3, 2])
        #expect(top[1].integerElements == [0, 2])
        let sums = try OperatorRunner("CumSum", version: 14)(x, wi([0], []))
        #expect(try CastOperators.doubles(sums[0]) == [3, 4, 6])
    }
}
