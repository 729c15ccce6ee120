import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// A bound tensor of bytes; the shape defaults to a vector.
private func u8(_ values: [UInt8], _ shape: Shape? = nil) -> Argument {
    .input(Tensor(elementType: .uint8, shape: shape ?? [values.count], values: values))
}

private func i8(_ values: [Int8], _ shape: Shape? = nil) -> Argument {
    .input(Tensor(elementType: .int8, shape: shape ?? [values.count], values: values))
}

/// The same tensor as a weight of the model.
private func known(_ argument: Argument) -> Argument {
    if case .input(let tensor) = argument { .weight(tensor) } else { argument }
}

struct QuantizedOperatorTests {
    // MARK: Products of bytes

    @Test(arguments: [false, true])
    func `MatMulInteger takes zero points out, per row and per column`(_ isKnown: Bool) throws {
        let product = OperatorRunner("MatMulInteger", version: 10)
        func right(_ argument: Argument) -> Argument { isKnown ? known(argument) : argument }
        // ONNX's own example.
        let a = u8([11, 7, 3, 10, 6, 2, 9, 5, 1, 8, 4, 0], [4, 3])
        let b = right(u8([1, 4, 2, 5, 3, 6], [3, 2]))
        #expect(
            try product.integers(a, b, u8([12], []), right(u8([0], [])))
                == [-38, -83, -44, -98, -50, -113, -56, -128]
        )
        #expect(
            try product.integers(a, b, u8([12, 12, 0, 12]), right(u8([0, 1])))
                == [-38, -68, -44, -80, 22, 52, -56, -104]
        )
        let mixed = try product(i8([-128, 127], [1, 2]), right(u8([255, 255], [2, 1])))
        #expect(mixed[0].elementType == .int32)
        #expect(mixed[0].integerElements == [-255])
        #expect(try product.integers(u8([255, 255]), right(i8([-128, -128]))) == [-65280])
    }

    @Test func `MatMulInteger multiplies batches, with a plain or a batched right-hand side`()
        throws
    {
        let product = OperatorRunner("MatMulInteger", version: 10)
        let a = u8([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])
        #expect(
            try product.integers(a, known(i8([1, 0, 0, -1], [2, 2])))
                == [1, -2, 3, -4, 5, -6, 7, -8]
        )
        #expect(
            try product.integers(a, i8([1, 0, 0, 1, 2, 0, 0, 2], [2, 2, 2]), u8([1, 2]))
                == [0, 1, 1, 2, 8, 10, 10, 12]
        )
        #expect(product.refusal(a, i8([1, 2, 3])).contains("2 columns meet 3 rows"))
        #expect(
            product.refusal(a, i8([1, 0, 0, 1], [2, 2]), u8([1, 2, 3])).contains("do not fit")
        )
    }

    @Test(arguments: [false, true])
    func `QLinearMatMul rounds its sums to bytes again`(_ isKnown: Bool) throws {
        let product = OperatorRunner("QLinearMatMul", version: 21)
        func right(_ argument: Argument) -> Argument { isKnown ? known(argument) : argument }
        // ONNX's own example.
        let a = u8([208, 236, 0, 238, 3, 214, 255, 29], [2, 4])
        let b = right(u8([152, 51, 244, 60, 26, 255, 0, 127, 246, 127, 254, 247], [4, 3]))
        let y = try product(
            a,
            f([0.0066], []),
            u8([113], []),
            b,
            f([0.00705], []),
            right(u8([114], [])),
            f([0.0107], []),
            u8([118], [])
        )
        #expect(y[0].elementType == .uint8)
        #expect(y[0].elements(as: UInt8.self) == [168, 115, 255, 1, 66, 151])
        let perAxis = try product(
            i8([10, 20], [2, 1]),
            f([1, 0.5]),
            i8([0, 0]),
            right(i8([1, 3], [1, 2])),
            f([1, 2]),
            right(i8([0, 0])),
            f([4], []),
            i8([-1], [])
        )
        // 2.5 and 2.5 go to the even 2, 15 stays.
        #expect(perAxis[0].elements(as: Int8.self) == [1, 14, 1, 14])
    }

    // MARK: Convolutions of bytes

    @Test(arguments: [false, true])
    func `ConvInteger pads with the zero point, and takes zero points of filters out`(
        _ isKnown: Bool
    ) throws {
        func weights(_ argument: Argument) -> Argument { isKnown ? known(argument) : argument }
        // ONNX's own examples.
        let x = u8([2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 1, 3, 3])
        let w = weights(u8([1, 1, 1, 1], [1, 1, 2, 2]))
        #expect(
            try OperatorRunner("ConvInteger", version: 10).integers(x, w, u8([1], []))
                == [12, 16, 24, 28]
        )
        let padded = OperatorRunner("ConvInteger", version: 10, ["pads": .ints([1, 1, 1, 1])])
        let y = try padded(x, w, u8([1], []))
        #expect(y[0].elementType == .int32)
        #expect(y[0].shape == [1, 1, 4, 4])
        #expect(
            y[0].integerElements
                == [1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9]
        )
        let line = OperatorRunner("ConvInteger", version: 10, ["group": .int(2)])
        #expect(
            try line.integers(
                i8([1, -2, 3, 4, 5, -6], [1, 2, 3]),
                weights(i8([1, 2, -3, 4], [2, 1, 2])),
                .none,
                weights(i8([0, 1]))
            ) == [-3, 4, -1, -38]
        )
    }

    @Test(arguments: [false, true])
    func `QLinearConv rounds its sums to bytes again, per channel and with a bias`(
        _ isKnown: Bool
    ) throws {
        func weights(_ argument: Argument) -> Argument { isKnown ? known(argument) : argument }
        let convolution = OperatorRunner("QLinearConv", version: 10)
        // The first and last rows of ONNX's own example.
        let y = try convolution(
            u8([255, 174, 162, 25, 203, 168, 58, 15, 59, 237, 95, 129, 0, 64], [1, 1, 2, 7]),
            f([0.00369204697], []),
            u8([132], []),
            weights(u8([0], [1, 1, 1, 1])),
            f([0.00172794575]),
            weights(u8([255])),
            f([0.00162681262], []),
            u8([123], [])
        )
        #expect(y[0].elementType == .uint8)
        #expect(y[0].shape == [1, 1, 2, 7])
        #expect(
            y[0].elements(as: UInt8.self)
                == [0, 81, 93, 230, 52, 87, 197, 240, 196, 18, 160, 126, 255, 191]
        )
        let perChannel = try convolution(
            i8([10, -20], [1, 1, 1, 2]),
            f([0.5], []),
            i8([0], []),
            weights(i8([1, 2], [2, 1, 1, 1])),
            f([1, 0.5]),
            weights(i8([0, 0])),
            f([2], []),
            i8([-1], []),
            .weight(Tensor(elementType: .int32, shape: [2], values: [Int32(0), 100]))
        )
        // 2.5 goes to the even 2, -5 stays; 120 / 8 and 60 / 8 = 7.5, which goes to 8.
        #expect(perChannel[0].elements(as: Int8.self) == [1, -6, 14, 7])
        #expect(
            convolution.refusal(
                u8([1, 2], [1, 2, 1]),
                f([1], []),
                u8([0], []),
                u8([1], [1, 1, 1]),
                f([1], []),
                u8([0], []),
                f([1], []),
                u8([0], [])
            ).contains("2 channels")
        )
    }

    // MARK: Quantisation

    @Test func `QuantizeLinear and DequantizeLinear work per tensor and per axis`() throws {
        let quantize = OperatorRunner("QuantizeLinear", version: 13)
        let dequantize = OperatorRunner("DequantizeLinear", version: 13)
        let q = try quantize(f([0, 2, 3, 1000, -254, -1000]), f([2], []), u8([128], []))
        #expect(q[0].elements(as: UInt8.self) == [128, 129, 130, 255, 1, 0])
        let x = f([1, 2, 3, 4, 5, 6], [1, 3, 2])
        let perAxis = try quantize(x, f([1, 2, 4]), i8([0, 1, -1]))
        #expect(perAxis[0].elements(as: Int8.self) == [1, 2, 3, 3, 0, 1])
        #expect(
            try dequantize.floats(
                i8([1, 2, 3, 3, 0, 1], [1, 3, 2]),
                f([1, 2, 4]),
                i8([0, 1, -1])
            ) == [1, 2, 4, 4, 4, 8]
        )
        #expect(
            try OperatorRunner("DequantizeLinear", version: 19, ["axis": .int(-1)])
                .floats(u8([0, 10, 20, 30], [2, 2]), f([1, 0.5])) == [0, 5, 20, 15]
        )
        let wide = Tensor(elementType: .int32, shape: [2], values: [Int32(-3), 1 << 20])
        #expect(try dequantize.floats(.input(wide), f([0.5], [])) == [-1.5, 524288])
        let signed = OperatorRunner("QuantizeLinear", version: 21, ["output_dtype": .int(3)])
        #expect(try signed(f([-3]), f([1], []))[0].elements(as: Int8.self) == [-3])
        #expect(quantize.refusal(x, f([1, 2])).contains("2 scales do not fit"))
        #expect(try quantize.shape(f([], [0, 3]), f([1], [])) == [0, 3])
    }

    @Test func `DynamicQuantizeLinear finds the scale and the zero point`() throws {
        let quantize = OperatorRunner("DynamicQuantizeLinear", version: 11, outputs: 3)
        // ONNX's own example.
        let found = try quantize(f([0, 2, -3, -2.5, 1.34, 0.5]))
        #expect(found[0].elements(as: UInt8.self) == [153, 255, 0, 26, 221, 179])
        expectClose(found[1].elements(as: Float.self), [0.0196078438])
        #expect(found[2].elements(as: UInt8.self) == [153])
        let zeros = try quantize(f([0, 0]))
        #expect(zeros[0].elements(as: UInt8.self) == [0, 0])
    }

    // MARK: Weights in blocks

    /// Weights of four bits: K = 40 in two blocks of 32, N = 3.
    private func blocks(_ level: Int) -> OperatorRunner {
        OperatorRunner(
            "MatMulNBits",
            domain: "com.microsoft",
            version: 1,
            [
                "K": .int(40), "N": .int(3), "bits": .int(4), "block_size": .int(32),
                "accuracy_level": .int(level),
            ]
        )
    }

    @Test(arguments: [0, 4], [false, true])
    func `MatMulNBits multiplies by weights in blocks`(
        _ level: Int,
        _ hasZeroPoints: Bool
    ) throws {
        let codes: [UInt8] = (0..<96).map { i in UInt8(truncatingIfNeeded: i &* 89 &+ 3) }
        let scales: [Float] = [0.5, 1, 2, -0.25, 1, 0.125]
        let zeros: [UInt8] = [0x3c, 0x90, 0xf1]
        let bias: [Float] = [1, 2, -300]
        // Whole multiples of 1/127 of the largest, so that quantising the activations loses nothing.
        let x: [Float] = (0..<80).map { (i: Int) -> Float in
            let isLargest = i % 40 % 32 == 0
            let number: Int = isLargest ? 127 : (i * 37) % 255 - 127
            return Float(number) / 4
        }
        let found = try blocks(level).floats(
            f(x, [2, 40]),
            known(u8(codes, [3, 2, 16])),
            wf(scales, [6]),
            hasZeroPoints ? known(u8(zeros)) : .none,
            .none,
            f(bias)
        )
        var expected = [Float]()
        for m in 0..<2 {
            for n in 0..<3 {
                var sum = Double(bias[n])
                for k in 0..<40 {
                    let block: Int = k / 32
                    let byte: UInt8 = codes[(n * 2 + block) * 16 + k % 32 / 2]
                    let code = Int(byte >> UInt8(k % 2 * 4) & 15)
                    let given = Int(zeros[n] >> UInt8(block * 4) & 15)
                    let difference = code - (hasZeroPoints ? given : 8)
                    let weight = Double(scales[n * 2 + block]) * Double(difference)
                    sum += Double(x[m * 40 + k]) * weight
                }
                expected.append(Float(sum))
            }
        }
        expectClose(found, expected, tolerance: 1e-4)
    }

    @Test func `MatMulNBits refuses what does not fit`() {
        let codes = known(u8([UInt8](repeating: 0, count: 96), [3, 2, 16]))
        #expect(
            blocks(4).refusal(f([1, 2, 3], [1, 3]), codes, wf([1, 1, 1, 1, 1, 1]))
                .contains("3 columns meet 40 rows")
        )
        let x = f([Float](repeating: 0, count: 40), [1, 40])
        #expect(blocks(4).refusal(x, codes, wf([1, 1])).contains("6 scales"))
    }
}
