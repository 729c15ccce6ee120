import TernGraph
import TernTensor
import Testing

@testable import TernONNX

/// Numbers that look random and are the same in every run (SplitMix64).
private struct FixedRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct HostileFileTests {
    /// Imports, and checks that whatever comes out holds together.
    private func check(_ bytes: [UInt8]) {
        do throws(ONNXError) {
            let model = try ONNXModel(bytes)
            do throws(GraphError) {
                try model.graph.validate()
            } catch {
                Issue.record("an imported graph is invalid: \(error)")
            }
        } catch {
            #expect(!error.description.isEmpty)
        }
    }

    @Test(arguments: ["small_cnn", "subgraphs", "every_type", "zipmap", "external"])
    func `a model cut short anywhere gives an error or a whole graph, never a crash`(
        _ name: String
    ) throws {
        let whole = try Fixtures.bytes("\(name).onnx")
        for count in whole.indices { check(Array(whole[..<count])) }
    }

    @Test(arguments: ["small_cnn", "subgraphs", "every_type", "odd_nodes", "shape_arithmetic"])
    func `no mutation of a model crashes the importer`(_ name: String) throws {
        let whole = try Fixtures.bytes("\(name).onnx")
        var random = FixedRandom(state: 0x7E59)
        for _ in 0..<2_000 {
            var mutated = whole
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let position = Int.random(in: mutated.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: mutated[position] = UInt8.random(in: 0...255, using: &random)
                case 1: mutated[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2:
                    let end = Int.random(in: position...mutated.count, using: &random)
                    mutated.removeSubrange(position..<min(end, position + 16))
                default:
                    let length = min(16, mutated.count - position)
                    mutated.insert(
                        contentsOf: mutated[position..<(position + length)],
                        at: position
                    )
                }
                if mutated.isEmpty { break }
            }
            check(mutated)
        }
    }

    @Test func `no mutation of a tensor crashes the reader`() throws {
        var random = FixedRandom(state: 42)
        for name in ["fp32", "bytes", "int8", "bool"] {
            let whole = try Fixtures.bytes("tensor_\(name).pb")
            for _ in 0..<1_000 {
                var mutated = whole
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let position = Int.random(in: mutated.indices, using: &random)
                    mutated[position] = UInt8.random(in: 0...255, using: &random)
                }
                guard let (_, tensor) = try? TensorFile.decode(mutated) else { continue }
                if let byteCount = tensor.shape.byteCount(of: tensor.elementType) {
                    #expect(tensor.storage.byteCount == byteCount)
                }
            }
        }
    }
}
