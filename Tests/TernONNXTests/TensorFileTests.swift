import Foundation
import SwiftProtobuf
import TernTensor
import Testing

@testable import TernONNX

@Suite struct TensorFileTests {
    @Test(arguments: ElementType.allCases.filter { $0 != .bytes })
    func `a tensor that the official package wrote is read, and what is written reads the same`(
        _ type: ElementType
    ) throws {
        let file = try Fixtures.bytes("tensor_\(type.name.lowercased()).pb")
        let (name, tensor) = try TensorFile.decode(file)
        #expect(name == type.name.lowercased())
        #expect(tensor.elementType == type && tensor.shape == [3])
        #expect(tensor.byteArray == expectedElements[type])
        let again = try TensorFile.decode(TensorFile.encode(tensor, name: "x"))
        #expect(again.name == "x")
        #expect(again.tensor.elementType == type && again.tensor.shape == [3])
        #expect(again.tensor.byteArray == tensor.byteArray)
    }

    @Test func `strings become BYTES and go back`() throws {
        let (_, tensor) = try TensorFile.read(Fixtures.path("tensor_bytes.pb"))
        #expect(tensor.elementType == .bytes && tensor.shape == [3, 1])
        #expect(tensor.byteStrings == ["", "zwei", "日本"].map { Array($0.utf8) })
        let again = try TensorFile.decode(TensorFile.encode(tensor, name: ""))
        #expect(again.tensor.byteStrings == tensor.byteStrings)
    }

    @Test func `a file is written and read back`() throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-\(UUID().uuidString).pb").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let tensor = Tensor(elementType: .fp32, shape: [], values: [42] as [Float])
        try TensorFile.write(tensor, name: "answer", to: path)
        let (name, again) = try TensorFile.read(path)
        #expect(name == "answer" && again.shape == [] && again.elements(as: Float.self) == [42])
    }

    @Test func `a missing file is named with the reason`() {
        let error = #expect(throws: ONNXError.self) { try TensorFile.read("/nonexistent/x.pb") }
        #expect(error?.description.hasPrefix("/nonexistent/x.pb: cannot be opened") == true)
    }

    /// What reading a message says, once `change` has been made to a good one of [2, 2] FP32.
    private func outcome(_ change: (inout ONNXTensorProto) -> Void) throws -> ONNXError? {
        var message = ONNXTensorProto()
        message.dims = [2, 2]
        message.dataType = 1
        message.rawData = Data(count: 16)
        change(&message)
        let bytes: [UInt8] = try message.serializedBytes()
        do throws(ONNXError) {
            _ = try TensorFile.decode(bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func `the number of bytes must be what type and sizes say`() throws {
        #expect(try outcome { _ in } == nil)
        #expect(
            try outcome { $0.rawData = Data(count: 15) }
                == .invalid(["FP32[2, 2] takes 16 bytes, raw_data has 15"])
        )
        #expect(try outcome { $0.rawData = Data() } != nil)
        #expect(
            try outcome {
                $0.clearRawData()
                $0.floatData = [1, 2, 3]
            } == .invalid(["FP32[2, 2] has 4 elements, float_data has 3"])
        )
        #expect(
            try outcome { $0.floatData = [1, 2, 3, 4] }
                == .invalid(["the tensor has both raw_data and a typed field"])
        )
        #expect(
            try outcome {
                $0.rawData = Data()
                $0.floatData = [1, 2, 3, 4]
            } == nil
        )
    }

    @Test func `sizes that overflow, are negative or too many are refused before memory is taken`()
        throws
    {
        #expect(
            try outcome { $0.dims = [1 << 62, 4] }
                == .invalid([
                    "the number of elements of [4611686018427387904, 4] does not fit 63 bits"
                ])
        )
        #expect(
            try outcome { $0.dims = [1 << 61] }
                == .invalid(["FP32[2305843009213693952] takes too many bytes, raw_data has 16"])
        )
        #expect(
            try outcome { $0.dims = [1 << 62, 4, 0] }
                == .invalid(["the sizes of [4611686018427387904, 4, 0] are too large"])
        )
        #expect(
            try outcome { $0.dims = [-1, 4] }
                == .invalid(["the sizes [-1, 4] must not be negative"])
        )
        #expect(
            try outcome { $0.dims = Array(repeating: 1, count: 9) }
                == .unsupported(["a tensor with 9 axes; at most 8 are possible"])
        )
    }

    @Test func `types that Tern has not are named`() throws {
        #expect(
            try outcome { $0.dataType = 14 } == .unsupported(["elements of type COMPLEX64"])
        )
        #expect(
            try outcome { $0.dataType = 17 }
                == .unsupported(["elements of 8-bit floating-point types (type 17)"])
        )
        #expect(
            try outcome { $0.dataType = 22 } == .unsupported(["elements of 4-bit types (type 22)"])
        )
        #expect(
            try outcome { $0.dataType = 99 } == .invalid(["99 is not an element type of ONNX"])
        )
        #expect(
            try outcome { $0.dataType = 8 }
                == .invalid(["a tensor of strings cannot have raw_data"])
        )
    }

    @Test func `a number that its type cannot hold is named`() throws {
        for (type, value) in [(3, 128), (2, -1), (2, 256), (4, 65536), (5, 40000), (10, -1)] {
            let error = try outcome {
                $0.clearRawData()
                $0.dims = [2]
                $0.dataType = Int32(type)
                $0.int32Data = [0, Int32(value)]
            }
            #expect(error?.description.contains("element 1 is \(value)") == true)
        }
        let wide = try outcome {
            $0.clearRawData()
            $0.dims = [1]
            $0.dataType = 12
            $0.uint64Data = [1 << 32]
        }
        #expect(wide == .invalid(["element 0 is 4294967296, which is not of type UINT32"]))
    }

    @Test func `any byte but zero is true`() throws {
        var message = ONNXTensorProto()
        message.dims = [3]
        message.dataType = 9
        message.rawData = Data([0, 2, 255])
        #expect(try TensorFile.decode(message.serializedBytes()).tensor.byteArray == [0, 1, 1])
    }

    @Test func `segments and data elsewhere are refused`() throws {
        #expect(
            try outcome { $0.segment = .init() }
                == .unsupported(["a tensor that is stored in segments"])
        )
        #expect(
            try outcome { $0.dataLocation = .external }
                == .unsupported(["data in another file, as the model's folder is not known"])
        )
    }
}
