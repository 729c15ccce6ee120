import FoundationEssentials
import Glibc
import TernONNX
import TernTensor
import Testing

@testable import TernRuntime

/// A folder in ONNX's standard layout: `model.onnx` and `test_data_set_k` with `input_j.pb` and
/// `output_j.pb`.
struct ModelFolder {
    let path: String

    /// The folder that an environment variable names.
    static func fromEnvironment(_ variable: String) -> String? {
        guard let value = unsafe getenv(variable) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    var model: String { path + "/model.onnx" }

    /// One set of inputs with their outputs.
    struct DataSet {
        let path: String
        func tensors(_ prefix: String) throws -> [Tensor] {
            var tensors: [Tensor] = []
            while FileManager.default.fileExists(atPath: "\(path)/\(prefix)_\(tensors.count).pb") {
                tensors.append(
                    try TensorFile.read("\(path)/\(prefix)_\(tensors.count).pb").tensor
                )
            }
            return tensors
        }
    }

    var dataSets: [DataSet] {
        (0..<100).map { DataSet(path: "\(path)/test_data_set_\($0)") }
            .filter { FileManager.default.fileExists(atPath: $0.path) }
    }

    func compile() throws -> CompiledModel {
        try CompiledModel(ONNXModel(contentsOf: model).graph)
    }
}

extension Session {
    /// Runs the model on tensors and copies the outputs.
    func callAsFunction(_ inputs: [Tensor]) throws -> [Tensor] {
        for (index, tensor) in inputs.enumerated() { try bindInput(index, tensor) }
        try run()
        return model.outputs.indices.map { output($0) }
    }
}

/// The largest difference of two tensors of one type, and the largest magnitude expected.
func difference(_ found: Tensor, _ expected: Tensor) -> (largest: Double, scale: Double)? {
    guard found.elementType == expected.elementType, found.shape == expected.shape else {
        return nil
    }
    func numbers(_ tensor: Tensor) -> [Double]? {
        switch tensor.elementType {
        case .fp32: tensor.elements(as: Float.self).map { Double($0) }
        case .fp64: tensor.elements(as: Double.self)
        #if arch(x86_64)
        case .fp16:
            tensor.elements(as: UInt16.self).map { Double(Float16(bitPattern: $0)) }
        #endif
        case .bf16:
            tensor.elements(as: UInt16.self).map {
                Double(Float(bitPattern: UInt32($0) << 16))
            }
        case .uint64: tensor.elements(as: UInt64.self).map { Double($0) }
        default: tensor.integerElements.map { $0.map { Double($0) } }
        }
    }
    guard let a = numbers(found), let e = numbers(expected) else { return nil }
    var (largest, scale) = (0.0, 0.0)
    for (x, y) in zip(a, e) {
        if x == y || (x.isNaN && y.isNaN) { continue }
        let distance = abs(x - y)
        largest = distance.isNaN ? .infinity : max(largest, distance)
    }
    for y in e where y.isFinite { scale = max(scale, abs(y)) }
    return (largest, scale)
}
