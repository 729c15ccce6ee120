import Foundation
import Testing

/// Replays what the fuzzer found and what it starts from, without the fuzzer.
struct ONNXFuzzReplayTests {
    private static let failCases = URL(filePath: #filePath)
        .deletingLastPathComponent()
        .appending(path: "../Fuzz/ONNXFailCases")
        .standardizedFileURL

    @Test func `what once broke the reader does not break it any more`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.failCases,
            includingPropertiesForKeys: nil
        )
        #expect(!files.isEmpty, "the folder and its README must be there")
        for file in files { try check(file) }
    }

    @Test func `every test model passes the fuzzer's checks`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: URL(filePath: Fixtures.models),
            includingPropertiesForKeys: nil
        )
        for file in files where ["onnx", "pb"].contains(file.pathExtension) { try check(file) }
    }

    private func check(_ file: URL) throws {
        ONNXOracle.check([UInt8](try Data(contentsOf: file)), folder: Fixtures.models)
    }
}
