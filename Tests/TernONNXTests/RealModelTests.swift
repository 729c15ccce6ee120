import Foundation
import TernGraph
import TernTensor
import Testing

@testable import TernONNX

/// Models from elsewhere, in the folder that TERN_ONNX_MODELS names: each in a folder of its own as
/// `model.onnx`, with `test_data_set_k` beside it.
private let modelsFolder = ProcessInfo.processInfo.environment["TERN_ONNX_MODELS"]

private func modelPaths() -> [String] {
    guard let modelsFolder else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: modelsFolder)) ?? []
    return names.sorted().map { "\(modelsFolder)/\($0)/model.onnx" }
        .filter { FileManager.default.fileExists(atPath: $0) }
}

@Suite struct RealModelTests {
    @Test(.enabled(if: modelsFolder != nil, "TERN_ONNX_MODELS names no folder"))
    func `every real model is imported`() throws {
        let paths = modelPaths()
        #expect(!paths.isEmpty)
        for path in paths {
            do {
                let model = try ONNXModel(contentsOf: path)
                #expect(!model.graph.outputs.isEmpty)
            } catch {
                Issue.record("\(path): \(error)")
            }
        }
    }

    @Test(.enabled(if: modelsFolder != nil, "TERN_ONNX_MODELS names no folder"))
    func `every tensor of the real models' test data is read, and written so that it is the same`()
        throws
    {
        for path in modelPaths() {
            let folder = path.dropLast("/model.onnx".count) + "/test_data_set_0"
            let files = try FileManager.default.contentsOfDirectory(atPath: String(folder))
            for file in files where file.hasSuffix(".pb") {
                let (name, tensor) = try TensorFile.read("\(folder)/\(file)")
                let again = try TensorFile.decode(TensorFile.encode(tensor, name: name))
                #expect(again.name == name && again.tensor.shape == tensor.shape)
                #expect(again.tensor.elementType == tensor.elementType)
            }
        }
    }
}
