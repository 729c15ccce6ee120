import TernKernels
import TernONNX
import TernTensor
import TernThreadPool
import Testing

@testable import TernRuntime

/// Trained models with inputs and outputs from another runtime; `TERN_ONNX_MODELS` names the folder.
@Suite(
    .enabled(
        if: ModelFolder.fromEnvironment("TERN_ONNX_MODELS") != nil,
        "SKIPPED: set TERN_ONNX_MODELS to the folder with the reference models"
    )
)
struct ReferenceModelTests {
    static let names = [
        "digits_mlp", "digits_cnn", "digits_lstm", "sk_digits_mlp", "sk_iris_logreg",
    ]

    static func folder(_ name: String) throws -> ModelFolder {
        let root = try #require(ModelFolder.fromEnvironment("TERN_ONNX_MODELS"))
        return ModelFolder(path: "\(root)/\(name)")
    }

    @Test(arguments: names)
    func `a reference model gives what the other runtime gave`(_ name: String) throws {
        let folder = try Self.folder(name)
        let session = Session(try folder.compile())
        #expect(!folder.dataSets.isEmpty)
        for dataSet in folder.dataSets {
            let found = try session(try dataSet.tensors("input"))
            let expected = try dataSet.tensors("output")
            #expect(found.count == expected.count)
            for (a, e) in zip(found, expected) {
                let (largest, scale) = try #require(difference(a, e))
                let tolerance = e.elementType == .fp32 ? 1e-4 * scale : 0
                #expect(largest <= tolerance, "\(name), \(dataSet.path)")
            }
        }
    }

    @Test(arguments: ["digits_mlp", "digits_cnn", "digits_lstm"])
    func `a row has the same bits alone, in a batch of 64, and with helpers`(
        _ name: String
    ) throws {
        let model = try Self.folder(name).compile()
        let graph = try ONNXModel(contentsOf: Self.folder(name).model).graph
        let pool = ThreadPool(workerCount: 3)
        defer { pool.shutdown() }
        let helped = try CompiledModel(graph, context: KernelContext(pool: pool))
        let pixels = noise(64 * 64).map { abs($0) * 16 }
        let batch = Tensor(elementType: .fp32, shape: [64, 1, 8, 8], values: pixels)
        let session = Session(model)
        let together = try session([batch])[0].elements(as: UInt32.self)
        #expect(try Session(helped)([batch])[0].elements(as: UInt32.self) == together)
        for row in 0..<64 {
            let alone = Tensor(
                elementType: .fp32,
                shape: [1, 1, 8, 8],
                values: Array(pixels[(row * 64)..<((row + 1) * 64)])
            )
            let bits = try session([alone])[0].elements(as: UInt32.self)
            #expect(bits == Array(together[(row * 10)..<((row + 1) * 10)]), "row \(row)")
        }
    }
}
