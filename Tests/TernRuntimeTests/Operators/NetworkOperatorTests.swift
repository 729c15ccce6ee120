import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct NetworkOperatorTests {
    // MARK: Products

    @Test func `MatMul multiplies matrices, vectors and batches`() throws {
        let matMul = OperatorRunner("MatMul", version: 13)
        let (a, b) = (f([1, 2, 3, 4], [2, 2]), f([5, 6, 7, 8], [2, 2]))
        #expect(try matMul.floats(a, b) == [19, 22, 43, 50])
        #expect(try matMul.floats(a, wf([5, 6, 7, 8], [2, 2])) == [19, 22, 43, 50])
        #expect(try matMul.floats(f([1, 2]), b) == [19, 22])
        #expect(try matMul.shape(f([1, 2]), f([1, 2])) == [])
        let batched = try matMul(f([1, 0, 0, 1, 2, 0, 0, 2], [2, 2, 2]), b)
        #expect(batched[0].shape == [2, 2, 2])
        #expect(batched[0].elements(as: Float.self) == [5, 6, 7, 8, 10, 12, 14, 16])
        #expect(matMul.refusal(a, f([1, 2, 3])).contains("2 columns meet 3 rows"))
    }

    @Test func `a product over nothing is zero`() throws {
        #expect(
            try OperatorRunner("MatMul", version: 13).floats(f([], [2, 0]), f([], [0, 1])) == [
                0, 0,
            ]
        )
    }

    @Test func `whole numbers multiply exactly`() throws {
        #expect(
            try OperatorRunner("MatMul", version: 13).integers(
                i([1 << 40, 1], [1, 2]),
                i([3, 5], [2, 1])
            )
                == [3 << 40 + 5]
        )
    }

    @Test(arguments: [false, true], [false, true])
    func `Gemm transposes, scales and adds, with bound or known weights`(
        _ transposesA: Bool,
        _ transposesB: Bool
    ) throws {
        let gemm = OperatorRunner(
            "Gemm",
            version: 13,
            [
                "transA": .int(transposesA ? 1 : 0), "transB": .int(transposesB ? 1 : 0),
                "alpha": .float(2), "beta": .float(0.5),
            ]
        )
        let a: [Float] = transposesA ? [1, 3, 2, 4] : [1, 2, 3, 4]
        let b: [Float] = transposesB ? [5, 7, 6, 8] : [5, 6, 7, 8]
        let expected: [Float] = [43, 54, 91, 110]
        let c = f([10, 20])
        #expect(try gemm.floats(f(a, [2, 2]), f(b, [2, 2]), c) == expected)
        #expect(try gemm.floats(f(a, [2, 2]), wf(b, [2, 2]), c) == expected)
    }

    @Test func `Gemm spreads C from a row, a column, a scalar or not at all`() throws {
        let gemm = OperatorRunner("Gemm", version: 13)
        let (a, b) = (f([1, 2, 3, 4], [2, 2]), wf([1, 0, 0, 1], [2, 2]))
        #expect(try gemm.floats(a, b) == [1, 2, 3, 4])
        #expect(try gemm.floats(a, b, f([10, 20])) == [11, 22, 13, 24])
        #expect(try gemm.floats(a, b, f([10, 20], [2, 1])) == [11, 12, 23, 24])
        #expect(try gemm.floats(a, b, f([10], [])) == [11, 12, 13, 14])
        #expect(try gemm.floats(a, b, f([1, 2, 3, 4], [2, 2])) == [2, 4, 6, 8])
        #expect(gemm.refusal(a, b, f([1, 2, 3])).contains("[3]"))
    }

    // MARK: Convolution

    private func convolve(
        _ image: [Float],
        _ shape: Shape,
        _ kernel: [Float],
        _ kernelShape: Shape,
        pads: (Int, Int),
        stride: Int,
        dilation: Int
    ) -> [Float] {
        let (height, width) = (shape[2], shape[3])
        let (kh, kw) = (kernelShape[2], kernelShape[3])
        func size(_ n: Int, _ k: Int, _ pad: Int) -> Int {
            (n + 2 * pad - (k - 1) * dilation - 1) / stride + 1
        }
        let (oh, ow) = (size(height, kh, pads.0), size(width, kw, pads.1))
        var output: [Float] = []
        for n in 0..<shape[0] {
            for m in 0..<kernelShape[0] {
                for y in 0..<oh {
                    for x in 0..<ow {
                        var sum: Double = 0
                        for c in 0..<shape[1] {
                            for ky in 0..<kh {
                                for kx in 0..<kw {
                                    let iy = y * stride + ky * dilation - pads.0
                                    let ix = x * stride + kx * dilation - pads.1
                                    guard (0..<height).contains(iy), (0..<width).contains(ix) else {
                                        continue
                                    }
                                    let pixel = image[
                                        ((n * shape[1] + c) * height + iy) * width + ix
                                    ]
                                    sum +=
                                        Double(pixel)
                                        * Double(kernel[((m * shape[1] + c) * kh + ky) * kw + kx])
                                }
                            }
                        }
                        output.append(Float(sum))
                    }
                }
            }
        }
        return output
    }

    @Test(arguments: [(1, 1, 1), (0, 2, 1), (2, 1, 2)])
    func `Conv agrees with a plain sum`(_ pad: Int, _ stride: Int, _ dilation: Int) throws {
        let (shape, kernelShape): (Shape, Shape) = ([2, 3, 7, 6], [4, 3, 3, 2])
        let (image, kernel) = (noise(252), noise(72, seed: 2))
        let conv = OperatorRunner(
            "Conv",
            version: 11,
            [
                "pads": .ints([pad, pad, pad, pad]), "strides": .ints([stride, stride]),
                "dilations": .ints([dilation, dilation]),
            ]
        )
        let expected = convolve(
            image,
            shape,
            kernel,
            kernelShape,
            pads: (pad, pad),
            stride: stride,
            dilation: dilation
        )
        expectClose(try conv.floats(f(image, shape), wf(kernel, kernelShape)), expected)
        expectClose(try conv.floats(f(image, shape), f(kernel, kernelShape)), expected)
    }

    @Test func `Conv works on lines, in groups, and with a bias`() throws {
        let conv = OperatorRunner("Conv", version: 11, ["group": .int(2)])
        let found = try conv(
            f([1, 2, 3, 10, 20, 30], [1, 2, 3]),
            wf([1, 1, 1, -1], [2, 1, 2]),
            wf([100, 0])
        )
        #expect(found[0].shape == [1, 2, 2])
        #expect(found[0].elements(as: Float.self) == [103, 105, -10, -10])
    }

    @Test func `automatic padding puts an odd one at the right end`() throws {
        func shifted(_ mode: String, _ kernel: [Float]) throws -> [Float] {
            try OperatorRunner("Conv", version: 11, ["auto_pad": .string(Array(mode.utf8))])
                .floats(f([1, 2, 3, 4, 5], [1, 1, 5]), wf(kernel, [1, 1, 2]))
        }
        #expect(try shifted("SAME_UPPER", [0, 1]) == [2, 3, 4, 5, 0])
        #expect(try shifted("SAME_LOWER", [1, 0]) == [0, 1, 2, 3, 4])
        #expect(try shifted("VALID", [1, 0]) == [1, 2, 3, 4])
    }

    @Test func `Conv refuses channels that do not fit`() {
        let refusal = OperatorRunner("Conv", version: 11)
            .refusal(f(noise(12), [1, 3, 2, 2]), wf(noise(8), [2, 4, 1, 1]))
        #expect(refusal.contains("3 channels"))
    }

    @Test func `ConvTranspose lays down scaled kernels`() throws {
        let transposed = OperatorRunner("ConvTranspose", version: 11, ["strides": .ints([2])])
        let found = try transposed(f([1, 10], [1, 1, 2]), wf([1, 2, 3], [1, 1, 3]), wf([0.5]))
        #expect(found[0].shape == [1, 1, 5])
        #expect(found[0].elements(as: Float.self) == [1.5, 2.5, 13.5, 20.5, 30.5])
    }

    // MARK: Pooling

    @Test func `a column is pooled as a row is`() throws {
        let x: [Float] = [1, 5, 2, 0, 7, 3, -1, -2, 4, 4, 9, 8]
        let attributes: [String: Attribute] = [
            "kernel_shape": .ints([2, 1]), "strides": .ints([2, 1]),
        ]
        for order in 0...1 {
            var ordered = attributes
            ordered["storage_order"] = .int(order)
            let pooled = try OperatorRunner("MaxPool", version: 12, ordered, outputs: 2)(
                f(x, [1, 2, 6, 1])
            )
            #expect(pooled[0].shape == [1, 2, 3, 1])
            #expect(pooled[0].elements(as: Float.self) == [5, 2, 7, -1, 4, 9])
            #expect(pooled[1].elements(as: Int64.self) == [1, 2, 4, 6, 8, 10])
        }
        #expect(
            try OperatorRunner("MaxPool", version: 12, attributes).floats(f(x, [1, 2, 6, 1]))
                == [5, 2, 7, -1, 4, 9]
        )
        #expect(
            try OperatorRunner("AveragePool", version: 11, attributes).floats(f(x, [1, 2, 6, 1]))
                == [3, 1, 5, -1.5, 4, 8.5]
        )
    }

    @Test func `MaxPool takes the largest and tells where`() throws {
        let pool = OperatorRunner(
            "MaxPool",
            version: 12,
            ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])],
            outputs: 2
        )
        let found = try pool(f((1...16).map { Float($0) }, [1, 1, 4, 4]))
        #expect(found[0].elements(as: Float.self) == [6, 8, 14, 16])
        #expect(found[1].integerElements == [5, 7, 13, 15])
    }

    @Test func `AveragePool counts padding only if asked, and rounds up if asked`() throws {
        let x = f([1, 2, 3, 4], [1, 1, 4])
        var attributes: [String: Attribute] = ["kernel_shape": .ints([2]), "pads": .ints([1, 0])]
        #expect(
            try OperatorRunner("AveragePool", version: 11, attributes).floats(x) == [
                1, 1.5, 2.5, 3.5,
            ]
        )
        attributes["count_include_pad"] = .int(1)
        #expect(try OperatorRunner("AveragePool", version: 11, attributes).floats(x)[0] == 0.5)
        let up = OperatorRunner(
            "AveragePool",
            version: 11,
            ["kernel_shape": .ints([3]), "strides": .ints([2]), "ceil_mode": .int(1)]
        )
        #expect(try up.floats(x) == [2, 3.5])
    }

    @Test func `pooling over whole images`() throws {
        let x = f([1, 2, 3, 6, -1, -2, -3, -6], [1, 2, 2, 2])
        #expect(try OperatorRunner("GlobalAveragePool", version: 1)(x)[0].shape == [1, 2, 1, 1])
        #expect(try OperatorRunner("GlobalAveragePool", version: 1).floats(x) == [3, -3])
        #expect(try OperatorRunner("GlobalMaxPool", version: 1).floats(x) == [6, -1])
    }

    // MARK: Normalisation

    @Test func `BatchNormalization scales each channel`() throws {
        let found = try OperatorRunner("BatchNormalization", version: 15, ["epsilon": .float(0)])
            .floats(
                f([1, 2, 3, 4], [1, 2, 2]),
                wf([1, 2]),
                wf([0, 1]),
                wf([1, 3]),
                wf([4, 1])
            )
        expectClose(found, [0, 0.5, 1, 3])
    }

    @Test func `BatchNormalization in training is refused in its old form`() {
        let training = OperatorRunner("BatchNormalization", version: 9, outputs: 5)
        let one = wf([1])
        #expect(training.refusal(f([1], [1, 1]), one, one, one, one).contains("training"))
    }

    @Test func `LayerNormalization normalises rows and gives its means`() throws {
        let layer = OperatorRunner(
            "LayerNormalization",
            version: 17,
            ["epsilon": .float(0)],
            outputs: 3
        )
        let found = try layer(f([1, 3, 2, 6], [2, 2]), wf([1, 2]), wf([0, 1]))
        expectClose(found[0].elements(as: Float.self), [-1, 3, -1, 3])
        #expect(found[1].shape == [2, 1])
        expectClose(found[1].elements(as: Float.self), [2, 4])
        expectClose(found[2].elements(as: Float.self), [1, 0.5])
    }

    @Test func `InstanceNormalization and GroupNormalization`() throws {
        let x = f([1, 3, 2, 6], [1, 2, 2])
        let instance = OperatorRunner("InstanceNormalization", version: 6, ["epsilon": .float(0)])
        expectClose(try instance.floats(x, wf([1, 1]), wf([0, 10])), [-1, 1, 9, 11])
        let group = OperatorRunner(
            "GroupNormalization",
            version: 21,
            ["epsilon": .float(0), "num_groups": .int(1)]
        )
        let deviation = Float(3.5).squareRoot()
        expectClose(
            try group.floats(x, wf([1, 1]), wf([0, 0])),
            [-2 / deviation, 0, -1 / deviation, 3 / deviation]
        )
    }

    @Test func `RMSNormalization divides by the root of the mean square`() throws {
        let rms = OperatorRunner("RMSNormalization", version: 23, ["epsilon": .float(0)])
        expectClose(try rms.floats(f([3, 4]), wf([1, 2])), [0.848_528_1, 2.262_741_7])
    }

    // MARK: Recurrent cells

    private func sigmoid(_ x: Double) -> Double { 1 / (1 + Double.exp(-x)) }

    @Test(arguments: ["forward", "reverse", "bidirectional"])
    func `LSTM agrees with its definition`(_ direction: String) throws {
        let (steps, batch, inputs, hidden) = (3, 2, 2, 2)
        let directions = direction == "bidirectional" ? 2 : 1
        let x = noise(steps * batch * inputs)
        let w = noise(directions * 4 * hidden * inputs, seed: 3)
        let r = noise(directions * 4 * hidden * hidden, seed: 4)
        let bias = noise(directions * 8 * hidden, seed: 5)
        let lstm = OperatorRunner(
            "LSTM",
            version: 14,
            ["hidden_size": .int(hidden), "direction": .string(Array(direction.utf8))],
            outputs: 3
        )
        let found = try lstm(
            f(x, [steps, batch, inputs]),
            wf(w, [directions, 4 * hidden, inputs]),
            wf(r, [directions, 4 * hidden, hidden]),
            wf(bias, [directions, 8 * hidden])
        )
        var expected = Array(repeating: Float(0), count: steps * directions * batch * hidden)
        for d in 0..<directions {
            let isReverse = direction == "reverse" || d == 1
            for n in 0..<batch {
                var h = Array(repeating: 0.0, count: hidden)
                var c = h
                for step in 0..<steps {
                    let t = isReverse ? steps - 1 - step : step
                    var gates: [Double] = []
                    for g in 0..<(4 * hidden) {
                        var sum =
                            Double(bias[d * 8 * hidden + g])
                            + Double(bias[d * 8 * hidden + 4 * hidden + g])
                        for k in 0..<inputs {
                            sum +=
                                Double(x[(t * batch + n) * inputs + k])
                                * Double(w[(d * 4 * hidden + g) * inputs + k])
                        }
                        for k in 0..<hidden {
                            sum += h[k] * Double(r[(d * 4 * hidden + g) * hidden + k])
                        }
                        gates.append(sum)
                    }
                    for k in 0..<hidden {
                        let (i, o) = (sigmoid(gates[k]), sigmoid(gates[hidden + k]))
                        let forget = sigmoid(gates[2 * hidden + k])
                        c[k] = forget * c[k] + i * Double.tanh(gates[3 * hidden + k])
                        h[k] = o * Double.tanh(c[k])
                        expected[((t * directions + d) * batch + n) * hidden + k] = Float(h[k])
                    }
                }
            }
        }
        #expect(found[0].shape == [steps, directions, batch, hidden])
        #expect(found[1].shape == [directions, batch, hidden])
        expectClose(found[0].elements(as: Float.self), expected)
    }

    @Test func `a short sequence keeps its state and gives zeros after its end`() throws {
        let lengths = Tensor(elementType: .int32, shape: [2], values: [Int32(1), 2])
        let rnn = OperatorRunner("RNN", version: 14, ["hidden_size": .int(1)], outputs: 2)
        let found = try rnn(
            f([0.5, 0.5, 0.25, 0.25], [2, 2, 1]),
            wf([1], [1, 1, 1]),
            wf([0], [1, 1, 1]),
            .none,
            .input(lengths)
        )
        let (first, second) = (Float.tanh(0.5), Float.tanh(0.25))
        expectClose(found[0].elements(as: Float.self), [first, first, 0, second])
        expectClose(found[1].elements(as: Float.self), [first, second])
    }

    @Test(arguments: [false, true])
    func `GRU resets before or after its product`(_ isLinear: Bool) throws {
        let gru = OperatorRunner(
            "GRU",
            version: 14,
            ["hidden_size": .int(1), "linear_before_reset": .int(isLinear ? 1 : 0)],
            outputs: 2
        )
        let found = try gru(
            f([1], [1, 1, 1]),
            wf([0.5, -0.5, 0.25], [1, 3, 1]),
            wf([0.1, 0.2, 0.3], [1, 3, 1]),
            wf([0, 0, 0, 0, 0, 0.7], [1, 6]),
            .none,
            f([0.8], [1, 1, 1])
        )
        let z = sigmoid(0.5 + 0.1 * 0.8)
        let r = sigmoid(-0.5 + 0.2 * 0.8)
        let candidate =
            isLinear
            ? Double.tanh(0.25 + r * (0.3 * 0.8 + 0.7)) : Double.tanh(0.25 + 0.3 * (r * 0.8) + 0.7)
        expectClose(found[1].elements(as: Float.self), [Float((1 - z) * candidate + z * 0.8)])
    }
}
