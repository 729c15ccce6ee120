import Foundation
import TernTensor

@testable import TernONNX

/// The files that Tests/Fixtures/models/make_models.py wrote.
enum Fixtures {
    static let models = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/models").path

    static func path(_ name: String) -> String { "\(models)/\(name)" }

    static func bytes(_ name: String) throws -> [UInt8] {
        try FileBytes.read(path(name), byteCountLimit: 1 << 24)
    }

    static func model(_ name: String) throws(ONNXError) -> ONNXModel {
        try ONNXModel(contentsOf: path("\(name).onnx"))
    }
}

extension Tensor {
    /// The bytes, copied.
    var byteArray: [UInt8] { unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }
}

func byteArray<T: BitwiseCopyable>(of values: [T]) -> [UInt8] {
    unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
}

/// The values of each type that the fixtures hold, as bytes.
let expectedElements: [ElementType: [UInt8]] = [
    .bool: [0, 1, 1],
    .uint8: [0, 128, 255],
    .uint16: byteArray(of: [0, 32768, 65535] as [UInt16]),
    .uint32: byteArray(of: [0, 1 << 31, .max] as [UInt32]),
    .uint64: byteArray(of: [0, 1 << 63, .max] as [UInt64]),
    .int8: byteArray(of: [-128, 0, 127] as [Int8]),
    .int16: byteArray(of: [.min, 0, .max] as [Int16]),
    .int32: byteArray(of: [.min, 0, .max] as [Int32]),
    .int64: byteArray(of: [.min, 0, .max] as [Int64]),
    .fp16: byteArray(of: [0xBE00, 0x3400, 0x7BFF] as [UInt16]),
    .bf16: byteArray(of: [0xBFC0, 0x3E80, 0x7F62] as [UInt16]),
    .fp32: byteArray(of: [-1.5, 0.25, 3e38] as [Float]),
    .fp64: byteArray(of: [-1.5, 0.25, 1e300] as [Double]),
]
