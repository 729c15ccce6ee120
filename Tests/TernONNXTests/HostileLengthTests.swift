import Testing

@testable import TernONNX

/// Lengths in a file that nothing in it bears out.
struct HostileLengthTests {
    /// What a few bytes are said to be wrong with.
    private func problem(_ bytes: [UInt8]) -> String {
        do throws(ONNXError) {
            _ = try ONNXModel(bytes)
            return "it was read"
        } catch {
            return error.description
        }
    }

    /// The graph (field 7) with one initializer (field 5) that has one field of bytes.
    private func initializer(tag: UInt8, length: [UInt8]) -> [UInt8] {
        let field = [tag] + length
        let tensor = [0x2A, UInt8(field.count)] + field
        return [0x08, 0x08, 0x3A, UInt8(tensor.count)] + tensor
    }

    /// 2 GB, 2⁴⁹, 2⁶³ − 1, and one that 64 bits cannot hold.
    static let lengths: [[UInt8]] = [
        [0xFF, 0xFF, 0xFF, 0xFF, 0x07],
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
    ]

    @Test(arguments: lengths)
    func `a message that is said to be longer than its file is cut short`(_ length: [UInt8]) {
        let found = problem([0x08, 0x08, 0x3A] + length)
        #expect(found.hasPrefix("not an ONNX file: "), "\(found)")
    }

    /// dims, float_data, int32_data, int64_data, raw_data, double_data, uint64_data.
    @Test(arguments: [0x0A, 0x22, 0x2A, 0x3A, 0x4A, 0x52, 0x5A] as [UInt8], lengths)
    func `a tensor's data that is said to be longer than its file is cut short`(
        _ tag: UInt8,
        _ length: [UInt8]
    ) {
        let found = problem(initializer(tag: tag, length: length))
        #expect(found.hasPrefix("not an ONNX file: "), "\(found)")
    }
}
