import Glibc
import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct MicrosoftOperatorTests {
    private func runner(
        _ name: String,
        _ attributes: [String: Attribute] = [:],
        outputs: Int = 1
    ) -> OperatorRunner {
        OperatorRunner(name, domain: "com.microsoft", version: 1, attributes, outputs: outputs)
    }

    private func bytes(_ values: [UInt8], _ shape: Shape? = nil) -> Tensor {
        Tensor(elementType: .uint8, shape: shape ?? [values.count], values: values)
    }

    private func signed(_ values: [Int8], _ shape: Shape? = nil) -> Tensor {
        Tensor(elementType: .int8, shape: shape ?? [values.count], values: values)
    }

    private func scalar(_ value: Float) -> Argument { wf([value], []) }

    private func zero(_ value: UInt8) -> Argument { .weight(bytes([value], [])) }

    private func random(_ count: Int, seed: UInt64) -> [UInt8] {
        noise(count, seed: seed).map { UInt8(($0 + 1) * 127.4) }
    }

    private func byte(_ value: Double, _ zero: Int) -> UInt8 {
        UInt8(min(max(value.rounded(.toNearestOrEven) + Double(zero), 0), 255))
    }

    /// As many are equal as can be asked for, and no other is off by more than one: a number half-way
    /// between two bytes may go either way.
    private func expectNear(_ found: [UInt8], _ expected: [UInt8]) {
        #expect(found.count == expected.count)
        let differences = zip(found, expected).map { abs(Int($0) - Int($1)) }
        #expect((differences.max() ?? 0) <= 1)
        #expect(differences.count { $0 > 0 } <= found.count / 50)
    }

    @Test func `QLinearAdd and QLinearMul calculate with what the bytes mean`() throws {
        let (a, b) = (random(60, seed: 1), random(12, seed: 2))
        for (name, apply) in [("QLinearAdd", { $0 + $1 }), ("QLinearMul", { $0 * $1 })]
            as [(String, (Double, Double) -> Double)]
        {
            let found = try runner(name)(
                .input(bytes(a, [5, 4, 3])),
                scalar(0.05),
                zero(100),
                .input(bytes(b, [4, 3])),
                scalar(0.1),
                zero(30),
                scalar(0.25),
                zero(20)
            )[0]
            #expect(found.shape == [5, 4, 3])
            let expected = (0..<60).map { index in
                let x = 0.05 * Double(Int(a[index]) - 100)
                let y = 0.1 * Double(Int(b[index % 12]) - 30)
                return byte(apply(x, y) / 0.25, 20)
            }
            expectNear(found.elements(as: UInt8.self), expected)
        }
    }

    @Test func `QLinearSigmoid looks every byte up`() throws {
        let all = (0...255).map { UInt8($0) }
        let found = try runner("QLinearSigmoid")(
            .input(bytes(all)),
            scalar(0.05),
            zero(128),
            scalar(1 / 256),
            zero(0)
        )[0]
        let expected = all.map { value in
            byte(256 / (1 + exp(-0.05 * Double(Int(value) - 128))), 0)
        }
        expectNear(found.elements(as: UInt8.self), expected)
    }

    @Test(arguments: [false, true])
    func `QLinearGlobalAveragePool rounds the mean of each plane`(_ isLast: Bool) throws {
        let values = random(2 * 3 * 20, seed: 3)
        let pool = runner(
            "QLinearGlobalAveragePool",
            ["channels_last": .int(isLast ? 1 : 0)]
        )
        let found = try pool(
            .input(bytes(values, isLast ? [2, 4, 5, 3] : [2, 3, 4, 5])),
            scalar(0.5),
            zero(10),
            scalar(0.4),
            zero(5)
        )[0]
        #expect(found.shape == (isLast ? [2, 1, 1, 3] : [2, 3, 1, 1]))
        let expected = (0..<6).map { index in
            let (entry, channel) = (index / 3, index % 3)
            let sum = (0..<20).reduce(0) { sum, place in
                sum
                    + Int(
                        values[entry * 60 + (isLast ? place * 3 + channel : channel * 20 + place)]
                    )
            }
            return byte((Double(sum) / 20 - 10) * 0.5 / 0.4, 5)
        }
        expectNear(found.elements(as: UInt8.self), expected)
    }

    @Test(arguments: [(false, false), (false, true), (true, false), (true, true)])
    func `QGemm multiplies with weights packed once`(_ transposed: (a: Bool, b: Bool)) throws {
        let (rows, depth, columns) = (3, 37, 19)
        let a = random(rows * depth, seed: 4)
        let b = noise(depth * columns, seed: 5).map { Int8($0 * 127) }
        let bias = noise(columns, seed: 6).map { Int32($0 * 5000) }
        let scales = noise(columns, seed: 7).map { 0.01 + abs($0) * 0.01 }
        let attributes: [String: Attribute] = [
            "transA": .int(transposed.a ? 1 : 0), "transB": .int(transposed.b ? 1 : 0),
            "alpha": .float(0.5),
        ]
        func value(_ row: Int, _ column: Int) -> Double {
            var sum = Double(bias[column])
            for k in 0..<depth {
                let x = Int(a[transposed.a ? k * rows + row : row * depth + k]) - 120
                sum += Double(x * Int(b[transposed.b ? column * depth + k : k * columns + column]))
            }
            return 0.5 * 0.02 * Double(scales[column]) * sum
        }
        let common: [Argument] = [
            .input(bytes(a, transposed.a ? [depth, rows] : [rows, depth])), scalar(0.02), zero(120),
            .weight(signed(b, transposed.b ? [columns, depth] : [depth, columns])), wf(scales),
            .weight(signed([0], [])),
            .weight(Tensor(elementType: .int32, shape: [columns], values: bias)),
        ]
        let floats = try runner("QGemm", attributes).run(common)[0]
        #expect(floats.shape == [rows, columns])
        var expected: [Double] = []
        for row in 0..<rows { for column in 0..<columns { expected.append(value(row, column)) } }
        expectClose(floats.floats, expected.map { Float($0) }, tolerance: 1e-4)
        let rounded = try runner("QGemm", attributes).run(common + [scalar(0.1), zero(99)])[0]
        expectNear(rounded.elements(as: UInt8.self), expected.map { byte($0 / 0.1, 99) })
    }

    @Test func `QGemm wants its weights beforehand`() {
        let refusal = runner("QGemm").refusal(
            .input(bytes([1, 2], [1, 2])),
            scalar(1),
            zero(0),
            .input(bytes([1, 2], [2, 1])),
            scalar(1),
            zero(0)
        )
        #expect(refusal.contains("must be known beforehand"))
    }

    /// One direction of the LSTM, with every product quantised as the operator does.
    private func lstm(
        _ x: [Double],
        steps: Int,
        batch: Int,
        inputs: Int,
        hidden: Int,
        w: [Int8],
        r: [Int8],
        scales: (w: Double, r: Double),
        bias: [Double],
        isReverse: Bool
    ) -> [Double] {
        func quantised(_ values: [Double]) -> [Double] {
            let (low, high) = (min(values.min() ?? 0, 0), max(values.max() ?? 0, 0))
            let scale = high == low ? 1 : (high - low) / 255
            let zero = min(max((-low / scale).rounded(.toNearestOrEven), 0), 255)
            return values.map {
                (min(max(($0 / scale).rounded(.toNearestOrEven) + zero, 0), 255) - zero) * scale
            }
        }
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        let gates = 4 * hidden
        let rounded = quantised(x)
        var (h, c) = (
            Array(repeating: 0.0, count: batch * hidden),
            [Double](repeating: 0, count: batch * hidden)
        )
        var y = Array(repeating: 0.0, count: steps * batch * hidden)
        for step in 0..<steps {
            let time = isReverse ? steps - 1 - step : step
            let state = quantised(h)
            for entry in 0..<batch {
                var sums = (0..<gates).map { bias[$0] + bias[gates + $0] }
                for gate in 0..<gates {
                    for k in 0..<inputs {
                        sums[gate] +=
                            rounded[(time * batch + entry) * inputs + k]
                            * Double(w[k * gates + gate]) * scales.w
                    }
                    for k in 0..<hidden {
                        sums[gate] +=
                            state[entry * hidden + k] * Double(r[k * gates + gate]) * scales.r
                    }
                }
                for k in 0..<hidden {
                    let (i, o) = (sigmoid(sums[k]), sigmoid(sums[hidden + k]))
                    let (f, g) = (sigmoid(sums[2 * hidden + k]), tanh(sums[3 * hidden + k]))
                    let place = entry * hidden + k
                    c[place] = f * c[place] + i * g
                    h[place] = o * tanh(c[place])
                    y[(time * batch + entry) * hidden + k] = h[place]
                }
            }
        }
        return y
    }

    @Test(arguments: [1, 3])
    func `DynamicQuantizeLSTM quantises inputs and states in each product`(_ batch: Int) throws {
        let (steps, inputs, hidden) = (4, 5, 6)
        let gates = 4 * hidden
        let x = noise(steps * batch * inputs, seed: 8)
        let w = noise(2 * inputs * gates, seed: 9).map { Int8($0 * 127) }
        let r = noise(2 * hidden * gates, seed: 10).map { Int8($0 * 127) }
        let bias = noise(2 * 2 * gates, seed: 11)
        let found = try runner(
            "DynamicQuantizeLSTM",
            [
                "hidden_size": .int(hidden),
                "direction": .string(Array("bidirectional".utf8)),
            ],
            outputs: 3
        )(
            f(x, [steps, batch, inputs]),
            .weight(signed(w, [2, inputs, gates])),
            .weight(signed(r, [2, hidden, gates])),
            wf(bias, [2, 2 * gates]),
            .none,
            .none,
            .none,
            .none,
            wf([0.01, 0.02]),
            .weight(signed([0, 0])),
            wf([0.015, 0.01]),
            .weight(signed([0, 0]))
        )
        #expect(found[0].shape == [steps, 2, batch, hidden])
        #expect(found[1].shape == [2, batch, hidden] && found[2].shape == [2, batch, hidden])
        for direction in 0..<2 {
            let expected = lstm(
                x.map { Double($0) },
                steps: steps,
                batch: batch,
                inputs: inputs,
                hidden: hidden,
                w: Array(w[(direction * inputs * gates)..<((direction + 1) * inputs * gates)]),
                r: Array(r[(direction * hidden * gates)..<((direction + 1) * hidden * gates)]),
                scales: direction == 0 ? (0.01, 0.015) : (0.02, 0.01),
                bias: bias[(direction * 2 * gates)..<((direction + 1) * 2 * gates)]
                    .map { Double($0) },
                isReverse: direction == 1
            )
            let y = found[0].floats
            for step in 0..<steps {
                for index in 0..<(batch * hidden) {
                    let own = y[(step * 2 + direction) * batch * hidden + index]
                    // A byte that falls the other way moves a gate by less than this.
                    #expect(abs(Double(own) - expected[step * batch * hidden + index]) < 5e-3)
                }
            }
        }
    }

    @Test func `DynamicQuantizeLSTM refuses what does not fit`() {
        let refusal = runner("DynamicQuantizeLSTM", ["hidden_size": .int(2)]).refusal(
            f([1, 2], [1, 1, 2]),
            .weight(signed(Array(repeating: 1, count: 24), [1, 3, 8])),
            .weight(signed(Array(repeating: 1, count: 16), [1, 2, 8])),
            .none,
            .none,
            .none,
            .none,
            .none,
            wf([1]),
            .weight(signed([0])),
            wf([1]),
            .weight(signed([0]))
        )
        #expect(refusal.contains("expected [1, 2, 8]"))
    }
}
