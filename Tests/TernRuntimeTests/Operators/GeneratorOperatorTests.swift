import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct GeneratorOperatorTests {
    @Test func `Shape and Size tell a tensor's size`() throws {
        let x = f(noise(6), [1, 2, 3])
        #expect(try OperatorRunner("Shape", version: 13).integers(x) == [1, 2, 3])
        let part = OperatorRunner("Shape", version: 15, ["start": .int(-2), "end": .int(100)])
        #expect(try part.integers(x) == [2, 3])
        #expect(try OperatorRunner("Size", version: 13).integers(x) == [6])
        #expect(try OperatorRunner("Shape", version: 13).integers(f([1], [])) == [])
    }

    @Test func `ConstantOfShape fills any type`() throws {
        #expect(try OperatorRunner("ConstantOfShape", version: 9).floats(wi([2, 1])) == [0, 0])
        let value = Tensor(elementType: .int64, shape: [1], values: [Int64(7)])
        let sevens = OperatorRunner("ConstantOfShape", version: 9, ["value": .tensor(value)])
        #expect(try sevens.integers(wi([3])) == [7, 7, 7])
        #expect(try sevens.integers(i([2])) == [7, 7])
        #expect(try sevens.shape(wi([])) == [])
    }

    @Test func `Range counts up and down, and bound limits work`() throws {
        let range = OperatorRunner("Range", version: 11)
        #expect(try range.integers(wi([2], []), wi([9], []), wi([3], [])) == [2, 5, 8])
        #expect(try range.integers(i([5], []), i([0], []), i([-2], [])) == [5, 3, 1])
        #expect(try range.integers(i([0], []), i([0], []), i([1], [])) == [])
        #expect(try range.floats(f([0], []), f([1], []), f([0.25], [])) == [0, 0.25, 0.5, 0.75])
        #expect(range.refusal(i([0], []), i([1], []), i([0], [])).contains("step"))
    }

    @Test func `a range that is much too long is refused, not allocated`() {
        let refusal = OperatorRunner("Range", version: 11)
            .refusal(i([0], []), i([.max], []), i([1], []))
        #expect(refusal != "it ran")
    }

    @Test func `OneHot places the on value, and drops what is outside`() throws {
        let hot = try OperatorRunner("OneHot", version: 11)(
            i([0, -1, 7]),
            wi([3], []),
            f([2, 5])
        )
        #expect(hot[0].shape == [3, 3])
        #expect(hot[0].elements(as: Float.self) == [5, 2, 2, 2, 2, 5, 2, 2, 2])
    }

    @Test func `TopK orders values, keeps the first of equals and gives positions`() throws {
        let top = try OperatorRunner("TopK", version: 11, outputs: 2)(
            f([3, 1, 3, 2], [1, 4]),
            wi([3])
        )
        #expect(top[0].elements(as: Float.self) == [3, 3, 2])
        #expect(top[1].integerElements == [0, 2, 3])
        let least = try OperatorRunner("TopK", version: 11, ["largest": .int(0)], outputs: 2)(
            f([3, 1, 3, 2]),
            i([1])
        )
        #expect(least[0].elements(as: Float.self) == [1])
        #expect(
            OperatorRunner("TopK", version: 11, outputs: 2).refusal(f([1]), wi([2])).contains("2")
        )
    }

    @Test func `CumSum runs both ways, with or without its own element`() throws {
        let x = f([1, 2, 3])
        let axis = wi([0], [])
        #expect(try OperatorRunner("CumSum", version: 14).floats(x, axis) == [1, 3, 6])
        let exclusive = OperatorRunner("CumSum", version: 14, ["exclusive": .int(1)])
        #expect(try exclusive.floats(x, axis) == [0, 1, 3])
        let reverse = OperatorRunner("CumSum", version: 14, ["reverse": .int(1)])
        #expect(try reverse.floats(x, i([0], [])) == [6, 5, 3])
    }

    @Test func `NonZero finds positions, however many there are`() throws {
        let found = try OperatorRunner("NonZero", version: 13)(f([0, 1, -0.0, 2], [2, 2]))
        #expect(found[0].shape == [2, 2])
        #expect(found[0].integerElements == [0, 1, 1, 1])
        #expect(try OperatorRunner("NonZero", version: 13).shape(f([0])) == [1, 0])
    }
}
