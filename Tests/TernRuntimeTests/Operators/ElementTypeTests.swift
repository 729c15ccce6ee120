import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Operators on the types that have no fast kernel of their own.
struct ElementTypeTests {
    private static let halfTypes: [ElementType] = [.fp16, .bf16]

    private func argument(
        _ type: ElementType,
        _ values: [Float],
        _ shape: Shape? = nil
    ) -> Argument {
        switch type {
        case .fp64: t(type, values.map { Double($0) }, shape)
        case .fp16: t(type, halves(values), shape)
        case .bf16: t(type, bfloats(values), shape)
        default: f(values, shape)
        }
    }

    private func doubles(_ tensors: [Tensor]) throws -> [Double] {
        try CastOperators.doubles(tensors[0])
    }

    @Test(arguments: halfTypes + [.fp64])
    func `Softmax and Hardmax`(_ type: ElementType) throws {
        let x = argument(type, [1, 1, 2, 2], [2, 2])
        let soft = try OperatorRunner("Softmax", version: 13)(x)
        #expect(soft[0].elementType == type)
        #expect(try doubles(soft) == [0.5, 0.5, 0.5, 0.5])
        let logarithm = try doubles(OperatorRunner("LogSoftmax", version: 13)(x))
        #expect(logarithm.allSatisfy { abs($0 + 0.693) < 0.003 })
        #expect(try doubles(OperatorRunner("Hardmax", version: 13)(x)) == [1, 0, 1, 0])
    }

    @Test(arguments: halfTypes)
    func `weights of half precision are widened and packed`(_ type: ElementType) throws {
        guard case .input(let weights) = argument(type, [1, 2, 3, 4], [2, 2]),
            case .input(let bias) = argument(type, [1, 1])
        else { return }
        let found = try OperatorRunner("Gemm", version: 13)(
            argument(type, [1, 1], [1, 2]),
            .weight(weights),
            .weight(bias)
        )
        #expect(found[0].elementType == type)
        #expect(try doubles(found) == [5, 7])
    }

    @Test func `Gemm of doubles and whole numbers`() throws {
        let gemm = OperatorRunner(
            "Gemm",
            version: 13,
            ["transA": .int(1), "alpha": .float(2), "beta": .float(3)]
        )
        let a = [1, 2, 3, 4]
        #expect(
            try gemm.integers(
                t(.int64, a.map { Int64($0) }, [2, 2]),
                t(.int64, a.map { Int64($0) }, [2, 2]),
                t(.int64, [1, 10] as [Int64])
            ) == [23, 58, 31, 70]
        )
        #expect(
            try doubles(
                gemm(
                    argument(.fp64, [1, 2, 3, 4], [2, 2]),
                    argument(.fp64, [1, 2, 3, 4], [2, 2]),
                    argument(.fp64, [1, 10], [2, 1])
                )
            ) == [23, 31, 58, 70]
        )
        #expect(
            gemm.refusal(
                t(.int64, [1] as [Int64], [1, 1]),
                t(.int64, [1] as [Int64], [1, 1]),
                t(.int64, [1, 2] as [Int64])
            ).contains("spread")
        )
    }

    @Test(arguments: halfTypes + [.fp64])
    func `convolutions, also over three axes`(_ type: ElementType) throws {
        let conv = OperatorRunner("Conv", version: 22, ["pads": .ints([1, 1])])
        let found = try conv(
            argument(type, [1, 2, 3], [1, 1, 3]),
            argument(type, [1, 1, 1], [1, 1, 3]),
            argument(type, [1])
        )
        #expect(try doubles(found) == [4, 7, 6])
        let cube = try OperatorRunner("Conv", version: 22, ["group": .int(2)])(
            argument(type, Array(repeating: 1, count: 16), [1, 2, 2, 2, 2]),
            argument(type, Array(repeating: 1, count: 16), [2, 1, 2, 2, 2])
        )
        #expect(cube[0].shape == [1, 2, 1, 1, 1])
        #expect(try doubles(cube) == [8, 8])
    }

    @Test(arguments: halfTypes + [.fp64])
    func `transposed convolutions, also over three axes`(_ type: ElementType) throws {
        let line = try OperatorRunner("ConvTranspose", version: 22, ["strides": .ints([2])])(
            argument(type, [1, 2], [1, 1, 2]),
            argument(type, [1, 3, 1], [1, 1, 3]),
            argument(type, [1])
        )
        #expect(try doubles(line) == [2, 4, 4, 7, 3])
        let cube = try OperatorRunner("ConvTranspose", version: 11, ["group": .int(2)])(
            argument(type, [1, 2], [1, 2, 1, 1, 1]),
            argument(type, Array(repeating: 1, count: 16), [2, 1, 2, 2, 2])
        )
        #expect(cube[0].shape == [1, 2, 2, 2, 2])
        #expect(
            try doubles(cube)
                == Array(repeating: 1, count: 8) + Array(repeating: 2, count: 8)
        )
    }

    @Test(arguments: halfTypes + [.fp64])
    func `normalisations`(_ type: ElementType) throws {
        let x = argument(type, [1, 3, 1, 3], [2, 2])
        let ones = argument(type, [1, 1])
        let zeros = argument(type, [0, 0])
        let batch = OperatorRunner("BatchNormalization", version: 15, ["epsilon": .float(0)])
        #expect(try doubles(batch(x, ones, zeros, zeros, ones)) == [1, 3, 1, 3])
        #expect(
            try doubles(OperatorRunner("LpNormalization", version: 22, ["p": .int(1)])(x)) == [
                0.25, 0.75, 0.25, 0.75,
            ]
        )
        let mean = OperatorRunner("MeanVarianceNormalization", version: 13, ["axes": .ints([1])])
        #expect(try doubles(mean(x)).map { $0.rounded() } == [-1, 1, -1, 1])
        guard type != .fp64 else { return }
        let layer = OperatorRunner("LayerNormalization", version: 17, ["epsilon": .float(0)])
        #expect(try doubles(layer(x, ones)).map { $0.rounded() } == [-1, 1, -1, 1])
        let square = OperatorRunner("RMSNormalization", version: 23, ["epsilon": .float(0)])
        #expect(try doubles(square(argument(type, [3, 3], [1, 2]), ones)) == [1, 1])
    }

    @Test func `BatchNormalization in training takes the batch's own numbers`() throws {
        let batch = OperatorRunner(
            "BatchNormalization",
            version: 15,
            ["training_mode": .int(1), "epsilon": .float(0), "momentum": .float(0.5)],
            outputs: 3
        )
        let found = try batch(f([1, 3], [2, 1]), f([2]), f([1]), f([0]), f([1]))
        expectClose(found[0].floats, [-1, 3])
        expectClose(found[1].floats, [1])
        expectClose(found[2].floats, [1])
    }

    @Test func `LpNormalization of nothing is nothing`() throws {
        #expect(try OperatorRunner("LpNormalization", version: 1).floats(f([0, 0])) == [0, 0])
        #expect(
            OperatorRunner("LpNormalization", version: 1, ["p": .int(3)]).refusal(f([1]))
                .contains("expected 1 or 2")
        )
    }

    @Test func `poolings of bytes, doubles and over three axes`() throws {
        let pool = OperatorRunner("MaxPool", version: 12, ["kernel_shape": .ints([2])], outputs: 2)
        let bytes = try pool(t(.uint8, [1, 200, 3] as [UInt8], [1, 1, 3]))
        #expect(bytes[0].integerElements == [200, 200] && bytes[1].integerElements == [1, 1])
        let cube: [String: Attribute] = ["kernel_shape": .ints([2, 2, 2])]
        let x = f((1...8).map { Float($0) }, [1, 1, 2, 2, 2])
        #expect(try OperatorRunner("MaxPool", version: 12, cube).floats(x) == [8])
        #expect(try OperatorRunner("AveragePool", version: 19, cube).floats(x) == [4.5])
        expectClose(
            try OperatorRunner("LpPool", version: 18, cube).floats(x),
            [Float(204).squareRoot()]
        )
        let padded = OperatorRunner(
            "AveragePool",
            version: 19,
            [
                "kernel_shape": .ints([2]), "pads": .ints([1, 0]), "count_include_pad": .int(1),
            ]
        )
        #expect(try doubles(padded(argument(.fp64, [2, 4], [1, 1, 2]))) == [1, 3])
        #expect(
            OperatorRunner(
                "MaxPool",
                version: 12,
                ["kernel_shape": .ints([1 << 24, 1 << 24, 1 << 24])]
            )
            .refusal(f([1], [1, 1, 1, 1, 1])).contains("too large")
        )
    }

    @Test(arguments: halfTypes)
    func `Range of halves`(_ type: ElementType) throws {
        let found = try OperatorRunner("Range", version: 27)(
            argument(type, [1], []),
            argument(type, [4], []),
            argument(type, [1.5], [])
        )
        #expect(try doubles(found) == [1, 2.5])
    }

    @Test(arguments: halfTypes)
    func `recurrences of halves`(_ type: ElementType) throws {
        let found = try OperatorRunner("RNN", version: 14, ["hidden_size": .int(1)], outputs: 2)(
            argument(type, [0, 0], [2, 1, 1]),
            argument(type, [1], [1, 1, 1]),
            argument(type, [1], [1, 1, 1])
        )
        #expect(found[0].elementType == type)
        #expect(try doubles(found) == [0, 0])
    }

    @Test(arguments: halfTypes + [.fp64])
    func `Det and SwiGLU`(_ type: ElementType) throws {
        let det = OperatorRunner("Det", version: 22)
        #expect(
            try doubles(det(argument(type, [0, 2, 1, 0, 1, 2, 3, 4], [2, 2, 2]))) == [-2, -2]
        )
        let gated = OperatorRunner("SwiGLU", version: 28)
        #expect(try doubles(gated(argument(type, [0, 0]), argument(type, [1, 2]))) == [0, 0])
        #expect(det.refusal(argument(type, [1, 2], [1, 2])).contains("square"))
        #expect(gated.refusal(argument(type, [0]), argument(type, [1, 2])).contains("differ"))
    }

    @Test func `shifts by too much or by negative numbers shift everything out`() throws {
        let right = OperatorRunner(
            "BitShift",
            version: 28,
            ["direction": .string(Array("RIGHT".utf8))]
        )
        let left = OperatorRunner(
            "BitShift",
            version: 28,
            ["direction": .string(Array("LEFT".utf8))]
        )
        let x = t(.int8, [-8, 8, -8, 8] as [Int8])
        let by = t(.int8, [1, 1, 9, -1] as [Int8])
        #expect(try right.integers(x, by) == [-4, 4, -1, 0])
        #expect(try left.integers(x, by) == [-16, 16, 0, 0])
    }

    @Test func `Dropout that drops nothing may be training`() throws {
        let dropout = OperatorRunner("Dropout", version: 13, outputs: 2)
        let found = try dropout(f([1, 2]), f([0], []), b([true], []))
        #expect(found[0].floats == [1, 2] && found[1].integerElements == [1, 1])
        #expect(dropout.refusal(f([1, 2]), f([0.5], []), b([true], [])).contains("training_mode"))
    }

    @Test func `quantising to 16 bits, in blocks and with scales of half precision`() throws {
        let quantize = OperatorRunner("QuantizeLinear", version: 21, ["axis": .int(0)])
        let found = try quantize(
            f([1, -4, 1e9, .nan], [2, 2]),
            f([0.5, 1]),
            t(.int16, [1, 0] as [Int16])
        )
        #expect(found[0].integerElements == [3, -7, 32767, 0])
        let blocked = OperatorRunner(
            "DequantizeLinear",
            version: 21,
            ["axis": .int(1), "block_size": .int(2)]
        )
        let back = try blocked(
            t(.uint8, [1, 2, 3] as [UInt8], [1, 3]),
            t(.fp16, halves([1, 2]), [1, 2]),
            t(.uint8, [0, 1] as [UInt8], [1, 2])
        )
        #expect(back[0].elementType == .fp16)
        #expect(try doubles(back) == [1, 2, 4])
        #expect(
            blocked.refusal(t(.uint8, [1, 2, 3] as [UInt8], [1, 3]), f([1, 2, 3], [1, 3]))
                .contains("expected [1, 2]")
        )
    }
}
