import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct AttentionOperatorTests {
    /// Attention as it is defined, one batch entry and one head.
    private func twin(
        _ q: [Float],
        _ k: [Float],
        _ v: [Float],
        size: Int,
        softcap: Float = 0,
        _ bias: (_ query: Int, _ key: Int) -> Float = { _, _ in 0 }
    ) -> [Float] {
        let (queries, keys) = (q.count / size, k.count / size)
        let width = v.count / keys
        var result: [Float] = []
        for query in 0..<queries {
            var scores = (0..<keys).map { key in
                (0..<size).reduce(Float(0)) { $0 + q[query * size + $1] * k[key * size + $1] }
                    / Float(size).squareRoot()
            }
            if softcap > 0 { scores = scores.map { softcap * Float.tanh($0 / softcap) } }
            for key in 0..<keys { scores[key] += bias(query, key) }
            let largest = scores.max() ?? 0
            let weights = scores.map {
                largest == -.infinity ? 0 : Float(Double.exp(Double($0 - largest)))
            }
            let total = max(weights.reduce(0, +), .leastNormalMagnitude)
            for i in 0..<width {
                result.append(
                    (0..<keys).reduce(0) { $0 + weights[$1] / total * v[$1 * width + i] }
                )
            }
        }
        return result
    }

    private let q = noise(2 * 4, seed: 1)
    private let k = noise(3 * 4, seed: 2)
    private let v = noise(3 * 2, seed: 3)

    @Test func `Attention is softmax of products, with and without a mask`() throws {
        let attention = OperatorRunner("Attention", version: 23)
        let plain = try attention.floats(
            f(q, [1, 1, 2, 4]),
            f(k, [1, 1, 3, 4]),
            f(v, [1, 1, 3, 2])
        )
        expectClose(plain, twin(q, k, v, size: 4))
        let mask = noise(6, seed: 4)
        let masked = try attention.floats(
            f(q, [1, 1, 2, 4]),
            f(k, [1, 1, 3, 4]),
            f(v, [1, 1, 3, 2]),
            f(mask, [2, 3])
        )
        expectClose(masked, twin(q, k, v, size: 4) { mask[$0 * 3 + $1] })
    }

    @Test func `a query that may see no key gives zeros`() throws {
        let flags = [true, false, true, false, false, false]
        let found = try OperatorRunner("Attention", version: 23).floats(
            f(q, [1, 1, 2, 4]),
            f(k, [1, 1, 3, 4]),
            f(v, [1, 1, 3, 2]),
            b(flags, [1, 1, 2, 3])
        )
        expectClose(found, twin(q, k, v, size: 4) { flags[$0 * 3 + $1] ? 0 : -.infinity })
        #expect(found.suffix(2) == [0, 0])
    }

    @Test func `the soft limit and every stage of the scores are as defined`() throws {
        for (mode, isWeights) in [(0, false), (1, false), (2, false), (3, true)] {
            let attention = OperatorRunner(
                "Attention",
                version: 23,
                [
                    "softcap": .float(0.5), "qk_matmul_output_mode": .int(mode),
                    "is_causal": .int(1),
                ],
                outputs: 4
            )
            let outputs = try attention(
                f(q, [1, 1, 2, 4]),
                f(k, [1, 1, 3, 4]),
                f(v, [1, 1, 3, 2])
            )
            expectClose(
                outputs[0].floats,
                twin(q, k, v, size: 4, softcap: 0.5) { $1 <= $0 ? 0 : -.infinity }
            )
            #expect(outputs[1].floats == k && outputs[2].floats == v)
            let scores = outputs[3].floats
            #expect(outputs[3].shape == [1, 1, 2, 3])
            if isWeights { #expect(abs(scores[3] + scores[4] - 1) < 1e-5 && scores[5] == 0) }
            if mode == 2 { #expect(scores[1] == -.infinity) }
            if mode == 1 { #expect(scores.allSatisfy { abs($0) < 0.5 }) }
        }
    }

    @Test func `the past comes before the present, and heads share keys`() throws {
        let attention = OperatorRunner("Attention", version: 24, ["is_causal": .int(1)], outputs: 3)
        let (past, pastValues) = (noise(4, seed: 5), noise(2, seed: 6))
        let both = noise(16, seed: 7)
        let outputs = try attention(
            f(both, [1, 2, 2, 4]),
            f(k, [1, 1, 3, 4]),
            f(v, [1, 1, 3, 2]),
            .none,
            f(past, [1, 1, 1, 4]),
            f(pastValues, [1, 1, 1, 2])
        )
        let expected = [Array(both[..<8]), Array(both[8...])].flatMap { head in
            twin(head, past + k, pastValues + v, size: 4) { $1 <= $0 + 1 ? 0 : -.infinity }
        }
        expectClose(outputs[0].floats, expected)
        #expect(outputs[1].floats == past + k && outputs[2].floats == pastValues + v)
    }

    @Test func `heads may lie side by side`() throws {
        let attributes: [String: Attribute] = ["q_num_heads": .int(2), "kv_num_heads": .int(2)]
        // One position: every weight is 1.
        let found = try OperatorRunner("Attention", version: 23, attributes)(
            f(noise(4), [1, 1, 4]),
            f(noise(4), [1, 1, 4]),
            f([1, 2, 3, 4, 5, 6], [1, 1, 6])
        )
        #expect(found[0].shape == [1, 1, 6] && found[0].floats == [1, 2, 3, 4, 5, 6])
    }

    @Test func `a window and the number of real keys keep keys away`() throws {
        let attention = OperatorRunner(
            "Attention",
            version: 25,
            ["left_window_size": .int(0), "right_window_size": .int(0)]
        )
        // Two real keys, so that the queries stand at positions 0 and 1 and see one key each.
        let found = try attention.floats(
            f(q, [1, 1, 2, 4]),
            f(k, [1, 1, 3, 4]),
            f(v, [1, 1, 3, 2]),
            .none,
            .none,
            .none,
            i([2])
        )
        expectClose(found, Array(v[..<4]))
    }

    @Test(arguments: [ElementType.fp64, .fp16, .bf16])
    func `Attention takes other types`(_ type: ElementType) throws {
        let ones = Array(repeating: Float(1), count: 4)
        func argument(_ values: [Float], _ shape: Shape) -> Argument {
            switch type {
            case .fp64: t(type, values.map { Double($0) }, shape)
            case .fp16: t(type, halves(values), shape)
            default: t(type, bfloats(values), shape)
            }
        }
        let found = try OperatorRunner("Attention", version: 23)(
            argument(ones, [1, 1, 1, 4]),
            argument(ones + ones, [1, 1, 2, 4]),
            argument([1, 2, 3, 4], [1, 1, 2, 2])
        )
        #expect(try CastOperators.doubles(found[0]) == [2, 3])
    }

    @Test func `what does not fit is refused`() {
        let attention = OperatorRunner("Attention", version: 23)
        #expect(
            attention.refusal(f(q, [1, 1, 2, 4]), f(k, [1, 1, 4, 3]), f(v, [1, 1, 3, 2]))
                .contains("do not fit together")
        )
        #expect(
            attention.refusal(f(q, [1, 2, 4]), f(k, [1, 3, 4]), f(v, [1, 3, 2]))
                .contains("q_num_heads is missing")
        )
        #expect(
            attention.refusal(
                f(q, [1, 1, 2, 4]),
                f(k, [1, 1, 3, 4]),
                f(v, [1, 1, 3, 2]),
                f(noise(8), [2, 4])
            ).contains("longer than the 3 keys")
        )
    }

    // MARK: RotaryEmbedding

    @Test func `RotaryEmbedding turns halves or neighbours`() throws {
        // A quarter turn at position 0, none at position 1.
        let (cosines, sines) = ([0, 0, 1, 1] as [Float], [1, 1, 0, 0] as [Float])
        let x: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
        let plain = OperatorRunner("RotaryEmbedding", version: 23)
        #expect(
            try plain.floats(
                f(x, [1, 1, 2, 4]),
                f(cosines, [2, 2]),
                f(sines, [2, 2]),
                i([0, 1], [1, 2])
            )
                == [-3, -4, 1, 2, 5, 6, 7, 8]
        )
        let interleaved = OperatorRunner(
            "RotaryEmbedding",
            version: 23,
            ["interleaved": .int(1), "num_heads": .int(1)]
        )
        #expect(
            try interleaved.floats(f(x, [1, 2, 4]), f(cosines, [1, 2, 2]), f(sines, [1, 2, 2]))
                == [-2, 1, -4, 3, 5, 6, 7, 8]
        )
    }

    @Test func `RotaryEmbedding leaves the rest of a head, and refuses odd ones`() throws {
        let partial = OperatorRunner(
            "RotaryEmbedding",
            version: 23,
            ["rotary_embedding_dim": .int(2)]
        )
        #expect(
            try partial.floats(
                f([1, 2, 3, 4], [1, 1, 1, 4]),
                f([0], [1, 1, 1]),
                f([1], [1, 1, 1])
            )
                == [-2, 1, 3, 4]
        )
        let odd = OperatorRunner("RotaryEmbedding", version: 23, ["rotary_embedding_dim": .int(3)])
        #expect(
            odd.refusal(f([1, 2, 3, 4], [1, 1, 1, 4]), f([0], [1, 1, 1]), f([1], [1, 1, 1]))
                .contains("in pairs")
        )
        #expect(
            OperatorRunner("RotaryEmbedding", version: 23).refusal(
                f([1, 2, 3, 4], [1, 1, 1, 4]),
                f([0, 0], [1, 2]),
                f([1, 1], [1, 2]),
                i([5], [1, 1])
            ).contains("index 5")
        )
    }
}
