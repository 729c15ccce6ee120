import FoundationEssentials
import SwiftProtobuf
package import TernTensor

/// A tensor in a file of its own, as ONNX's test data has them (`input_0.pb`): a serialized
/// TensorProto.
package enum TensorFile {
    /// The longest file that is read.
    package static let byteCountLimit = 1 << 31

    /// Reads a tensor and its name from a file.
    ///
    /// - Parameter path: The file.
    /// - Returns: The tensor and its name, which may be empty.
    /// - Throws: ``ONNXError`` if the file cannot be read or is not a usable tensor.
    package static func read(
        _ path: String
    ) throws(ONNXError) -> (name: String, tensor: Tensor) {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try FileBytes.read(path, byteCountLimit: byteCountLimit)
        } catch {
            throw .file(error.description)
        }
        return try decode(bytes)
    }

    /// Writes a tensor and its name to a file.
    ///
    /// - Parameters:
    ///   - tensor: The tensor.
    ///   - name: Its name.
    ///   - path: The file; what was there is replaced.
    /// - Throws: ``ONNXError/file(_:)`` if it cannot be written.
    package static func write(
        _ tensor: Tensor,
        name: String,
        to path: String
    ) throws(ONNXError) {
        let bytes = try encode(tensor, name: name)
        do throws(FileError) {
            try FileBytes.write(bytes, to: path)
        } catch {
            throw .file(error.description)
        }
    }

    /// Reads a tensor and its name from the bytes of a file.
    package static func decode(
        _ bytes: [UInt8]
    ) throws(ONNXError) -> (name: String, tensor: Tensor) {
        let message: ONNXTensorProto = try decodeMessage(bytes)
        return (message.name, try TensorDecoder(externalData: nil).tensor(from: message))
    }

    /// Writes a tensor and its name as the bytes of a file.
    package static func encode(_ tensor: Tensor, name: String) throws(ONNXError) -> [UInt8] {
        var message = ONNXTensorProto()
        message.name = name
        message.dims = tensor.shape.map { Int64($0) }
        message.dataType = Int32(tensor.elementType.onnxDataType.rawValue)
        if tensor.elementType == .bytes {
            guard let strings = tensor.byteStrings else {
                throw .invalid(["the BYTES tensor does not hold as many elements as its shape says"]
                )
            }
            message.stringData = strings.map { Data($0) }
        } else {
            message.rawData = unsafe tensor.bytes.withUnsafeBytes { unsafe Data($0) }
        }
        do {
            return try message.serializedBytes()
        } catch {
            throw .invalid(["the tensor cannot be written: \(error)"])
        }
    }
}

/// Reads a protobuf message with our limits.
///
/// - Parameter bytes: The whole message.
/// - Returns: The message.
/// - Throws: ``ONNXError/malformed(_:)`` if the bytes are not that message.
func decodeMessage<M: Message>(_ bytes: [UInt8]) throws(ONNXError) -> M {
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    // A graph in a graph is three messages deeper (node, attribute, graph).
    options.messageDepthLimit = 3 * GraphImporter.subgraphDepthLimit + 10
    do {
        return try M(serializedBytes: bytes, options: options)
    } catch let error as BinaryDecodingError {
        let reason =
            switch error {
            case .truncated: "it ends in the middle of a field"
            case .invalidUTF8: "a name is not valid UTF-8"
            case .messageDepthLimit: "it is nested too deeply"
            case .malformedProtobuf: "a field is malformed"
            default: "it cannot be decoded (\(error))"
            }
        throw .malformed(reason)
    } catch {
        throw .malformed("it cannot be decoded (\(error))")
    }
}
