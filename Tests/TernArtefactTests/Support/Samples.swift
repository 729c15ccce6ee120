import Foundation
import TernGraph
import TernONNX
import TernRuntime
import TernTensor

@testable import TernArtefact

/// Artefacts to test with.
enum Samples {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "../../Fixtures/models").standardizedFileURL

    /// The artefact of a model of the fixtures, with a golden set of zeros and a plan for its shapes.
    static func artefact(of name: String) throws -> Artefact {
        let path = folder.appending(path: "\(name).onnx").path
        let model = try CompiledModel(ONNXModel(contentsOf: path).graph)
        let shapes = model.inputs.map { Shape(($0.dimensions ?? []).map { $0.fixedSize ?? 1 }) }
        let parts = model.parts(shapes: [shapes])
        return Artefact(
            producer: "tests",
            source: "\(name).onnx",
            precision: "f32",
            graph: parts.graph,
            parameterCount: parts.parameterCount,
            packing: parts.packing,
            panels: parts.panels.map {
                Artefact.Panels(
                    weight: $0.weight,
                    variant: $0.variant,
                    kind: $0.kind,
                    memory: $0.memory
                )
            },
            shapes: parts.shapes,
            goldenSets: [
                Artefact.GoldenSet(
                    name: "zeros",
                    inputs: zip(model.inputs, shapes).map { zeros($0.elementType, $1) },
                    outputs: model.outputs.map { zeros($0.elementType, [1]) }
                )
            ]
        )
    }

    private static func zeros(_ type: ElementType, _ shape: Shape) -> Tensor {
        type == .bytes
            ? Tensor(shape: shape, byteStrings: Array(repeating: [], count: shape.elementCount))
            : Tensor(
                elementType: type,
                shape: shape,
                storage: AlignedBuffer(byteCount: shape.byteCount(of: type) ?? 0)
            )
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct FixedRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
