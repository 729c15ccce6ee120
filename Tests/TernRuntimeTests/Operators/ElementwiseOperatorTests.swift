import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct ElementwiseOperatorTests {
    // MARK: Arithmetic

    @Test func `addition broadcasts a column with a row`() throws {
        let sums = try OperatorRunner("Add", version: 14)(
            f([1, 2], [2, 1]),
            f([10, 20, 30], [3])
        )
        #expect(sums[0].shape == [2, 3])
        #expect(sums[0].elements(as: Float.self) == [11, 21, 31, 12, 22, 32])
    }

    @Test func `scalars of rank 0 stay scalars`() throws {
        let product = try OperatorRunner("Mul", version: 14)(f([3], []), f([5], []))
        #expect(product[0].shape == [])
        #expect(product[0].elements(as: Float.self) == [15])
    }

    @Test func `an empty tensor broadcasts to an empty tensor`() throws {
        #expect(
            try OperatorRunner("Sub", version: 14).shape(f([], [0, 3]), f([1, 2, 3])) == [0, 3]
        )
    }

    @Test func `shapes that do not broadcast are refused with both shapes`() {
        let refusal = OperatorRunner("Add", version: 14).refusal(f([1, 2]), f([1, 2, 3]))
        #expect(refusal.contains("[3]") && refusal.contains("[2]"))
    }

    @Test func `whole numbers divide towards zero, and division by zero does not crash`() throws {
        let quotients = try OperatorRunner("Div", version: 14).integers(
            i([7, -7, 5]),
            i([2, 2, 0])
        )
        #expect(quotients == [3, -3, 0])
    }

    @Test func `before version 7 the second input is placed at an axis`() throws {
        let sums = try OperatorRunner("Add", version: 6, ["broadcast": .int(1), "axis": .int(0)])
            .floats(f([0, 0, 0, 0, 0, 0], [2, 3]), f([1, 2]))
        #expect(sums == [1, 1, 1, 2, 2, 2])
    }

    @Test func `mod follows the divisor's sign, and with fmod the dividend's`() throws {
        #expect(
            try OperatorRunner("Mod", version: 13).integers(i([-4, 7, 5]), i([3, -3, 8]))
                == [2, -2, 5]
        )
        #expect(
            try OperatorRunner("Mod", version: 13, ["fmod": .int(1)])
                .floats(f([-4.5, 7.5]), f([3, -3])) == [-1.5, 1.5]
        )
    }

    @Test func `a power may have a whole exponent`() throws {
        #expect(try OperatorRunner("Pow", version: 15).floats(f([2, 3]), i([3, 2])) == [8, 9])
    }

    @Test func `sum, mean, max and min take one, two or three inputs`() throws {
        let a = f([1, 5, 3])
        let (b, c) = (f([4]), f([2, 2, 9]))
        #expect(try OperatorRunner("Sum", version: 13).floats(a) == [1, 5, 3])
        #expect(try OperatorRunner("Sum", version: 13).floats(a, b) == [5, 9, 7])
        #expect(try OperatorRunner("Sum", version: 13).floats(a, b, c) == [7, 11, 16])
        #expect(try OperatorRunner("Max", version: 13).floats(a, b, c) == [4, 5, 9])
        #expect(try OperatorRunner("Min", version: 13).floats(b, a, c) == [1, 2, 3])
        expectClose(
            try OperatorRunner("Mean", version: 13).floats(a, b, c),
            [7.0 / 3, 11.0 / 3, 16.0 / 3]
        )
    }

    @Test func `the larger of a number and NaN is NaN`() throws {
        let found = try OperatorRunner("Max", version: 13).floats(f([1, .nan]), f([.nan, 1]))
        #expect(found[0].isNaN && found[1].isNaN)
    }

    @Test func `doubles keep their precision`() throws {
        let a = Tensor(elementType: .fp64, shape: [1], values: [1.0])
        let b = Tensor(elementType: .fp64, shape: [1], values: [1e-12])
        let sum = try OperatorRunner("Add", version: 14)(.input(a), .input(b))
        #expect(sum[0].elements(as: Double.self) == [1 + 1e-12])
    }

    // MARK: Functions

    @Test(arguments: [
        ("Relu", 14, [-1, 0, 2] as [Float], [0, 0, 2] as [Float]),
        ("Abs", 13, [-1, 0, 2], [1, 0, 2]),
        ("Neg", 13, [-1, 0, 2], [1, 0, -2]),
        ("Sign", 13, [-3, 0, 2], [-1, 0, 1]),
        ("Floor", 13, [-1.5, 0.5, 2], [-2, 0, 2]),
        ("Ceil", 13, [-1.5, 0.5, 2], [-1, 1, 2]),
        ("Round", 11, [0.5, 1.5, -2.5], [0, 2, -2]),
        ("Sqrt", 13, [0, 4, 9], [0, 2, 3]),
        ("Reciprocal", 13, [1, 4, -2], [1, 0.25, -0.5]),
        ("Exp", 13, [0, 1, -1], [1, 2.718_281_8, 0.367_879_44]),
        ("Log", 13, [1, 2.718_281_8, 10], [0, 1, 2.302_585_1]),
        ("Tanh", 13, [0, 1, -20], [0, 0.761_594_2, -1]),
        ("Sigmoid", 13, [0, 2, -100], [0.5, 0.880_797_1, 0]),
        ("Erf", 13, [0, 0.5, -3], [0, 0.520_499_9, -0.999_977_9]),
        ("Softplus", 1, [0, 100, -100], [0.693_147_2, 100, 0]),
        ("Softsign", 1, [0, 1, -3], [0, 0.5, -0.75]),
        ("HardSwish", 14, [-4, 0, 1, 4], [0, 0, 0.666_666_7, 4]),
        ("HardSigmoid", 6, [-3, 0, 3], [0, 0.5, 1]),
        ("LeakyRelu", 16, [-1, 2], [-0.01, 2]),
        ("Elu", 6, [-1, 2], [-0.632_120_6, 2]),
        ("Celu", 12, [-1, 2], [-0.632_120_6, 2]),
        ("Selu", 6, [-1, 2], [-1.111_330_7, 2.101_402]),
        ("ThresholdedRelu", 10, [0.5, 1, 1.5], [0, 0, 1.5]),
        ("Gelu", 20, [-1, 0, 1], [-0.158_655_3, 0, 0.841_344_7]),
        ("Mish", 18, [0, 1], [0, 0.865_098_4]),
        ("Sin", 7, [0, 1], [0, 0.841_471]),
        ("Cos", 7, [0, 1], [1, 0.540_302_3]),
        ("Atanh", 9, [0, 0.5], [0, 0.549_306_1]),
    ])
    func `functions of one number`(
        _ name: String,
        _ version: Int,
        _ inputs: [Float],
        _ expected: [Float]
    ) throws {
        expectClose(try OperatorRunner(name, version: version).floats(f(inputs)), expected)
    }

    @Test(arguments: ["Relu", "Tanh", "Sigmoid", "Exp", "Erf", "Gelu", "Sqrt", "HardSwish"])
    func `NaN goes through a function`(_ name: String) throws {
        let version = name == "Gelu" ? 20 : 14
        #expect(try OperatorRunner(name, version: version).floats(f([.nan]))[0].isNaN)
    }

    @Test func `Clip takes bounds as attributes up to version 6`() throws {
        let clip = OperatorRunner("Clip", version: 6, ["min": .float(-1), "max": .float(1)])
        #expect(try clip.floats(f([-2, 0, 3])) == [-1, 0, 1])
    }

    @Test func `Clip takes bounds that are known, left out, or bound`() throws {
        let clip = OperatorRunner("Clip", version: 13)
        let x = f([-2, 0, 3])
        #expect(try clip.floats(x, wf([-1], []), wf([1], [])) == [-1, 0, 1])
        #expect(try clip.floats(x, f([-1], []), f([1], [])) == [-1, 0, 1])
        #expect(try clip.floats(x, .none, wf([1], [])) == [-2, 0, 1])
        #expect(try clip.floats(x) == [-2, 0, 3])
        #expect(try clip.integers(i([1 << 60, 5]), i([6], [])) == [1 << 60, 6])
    }

    @Test func `Clip with crossed bounds gives the upper`() throws {
        #expect(
            try OperatorRunner("Clip", version: 13).floats(f([-2, 0, 9]), wf([5], []), wf([1], []))
                == [1, 1, 1]
        )
    }

    @Test func `PRelu's slope is broadcast to the input only`() throws {
        let prelu = OperatorRunner("PRelu", version: 16)
        #expect(try prelu.floats(f([-1, -1, 2, -2], [2, 2]), f([2, 3])) == [-2, -3, 2, -6])
        #expect(prelu.refusal(f([-1]), f([1, 2])).contains("cannot be broadcast"))
    }

    // MARK: Logic

    @Test func `comparisons give truth values, and nothing is equal to NaN`() throws {
        func truths(_ name: String) throws -> [Int] {
            try OperatorRunner(name, version: 16).integers(f([1, 2, .nan]), f([2, 2, .nan]))
        }
        #expect(try truths("Less") == [1, 0, 0])
        #expect(try truths("LessOrEqual") == [1, 1, 0])
        #expect(try truths("Greater") == [0, 0, 0])
        #expect(try truths("GreaterOrEqual") == [0, 1, 0])
        #expect(try truths("Equal") == [0, 1, 0])
    }

    @Test func `And, Or, Xor and Not`() throws {
        let (x, y) = (b([true, true, false, false]), b([true, false, true, false]))
        #expect(try OperatorRunner("And", version: 7).integers(x, y) == [1, 0, 0, 0])
        #expect(try OperatorRunner("Or", version: 7).integers(x, y) == [1, 1, 1, 0])
        #expect(try OperatorRunner("Xor", version: 7).integers(x, y) == [0, 1, 1, 0])
        #expect(try OperatorRunner("Not", version: 1).integers(x) == [0, 0, 1, 1])
    }

    @Test func `Where broadcasts all three inputs`() throws {
        let chosen = try OperatorRunner("Where", version: 16)(
            b([true, false], [2, 1]),
            i([1, 2, 3]),
            i([9], [])
        )
        #expect(chosen[0].shape == [2, 3])
        #expect(chosen[0].integerElements == [1, 2, 3, 9, 9, 9])
    }

    @Test func `IsNaN and IsInf, with the signs that are asked for`() throws {
        let x = f([.nan, .infinity, -.infinity, 1])
        #expect(try OperatorRunner("IsNaN", version: 13).integers(x) == [1, 0, 0, 0])
        #expect(try OperatorRunner("IsInf", version: 10).integers(x) == [0, 1, 1, 0])
        let positive = OperatorRunner("IsInf", version: 10, ["detect_negative": .int(0)])
        #expect(try positive.integers(x) == [0, 1, 0, 0])
    }

    @Test func `bits shift, and vanish beyond the width`() throws {
        func bytes(_ values: [UInt8]) -> Argument {
            .input(Tensor(elementType: .uint8, shape: [values.count], values: values))
        }
        let left = OperatorRunner(
            "BitShift",
            version: 11,
            ["direction": .string(Array("LEFT".utf8))]
        )
        #expect(try left.integers(bytes([1, 1, 255]), bytes([1, 8, 4])) == [2, 0, 240])
    }

    // MARK: Conversions

    @Test func `Cast truncates towards zero, and anything but zero is true`() throws {
        #expect(
            try OperatorRunner("Cast", version: 13, ["to": .int(7)])
                .integers(f([1.9, -1.9, 0])) == [1, -1, 0]
        )
        #expect(
            try OperatorRunner("Cast", version: 13, ["to": .int(9)])
                .integers(f([0.5, 0, -3])) == [1, 0, 1]
        )
        #expect(
            try OperatorRunner("Cast", version: 13, ["to": .int(1)]).floats(i([3, -4])) == [3, -4]
        )
    }

    @Test func `Cast to a type that is not there is refused by its number`() {
        #expect(
            OperatorRunner("Cast", version: 13, ["to": .int(17)]).refusal(f([1])).contains("17")
        )
    }
}
