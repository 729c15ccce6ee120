import Foundation
import Testing

/// Replays what the fuzzer found, without the fuzzer.
@Suite struct FuzzReplayTests {
    private static let failCases = URL(filePath: #filePath)
        .deletingLastPathComponent()
        .appending(path: "../Fuzz/ArtefactFailCases")
        .standardizedFileURL

    @Test func `what once broke the reader does not break it any more`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.failCases,
            includingPropertiesForKeys: nil
        )
        #expect(!files.isEmpty, "the folder and its README must be there")
        for file in files {
            let bytes = try [UInt8](Data(contentsOf: file))
            ArtefactOracle.check(bytes)
            ArtefactOracle.checkRepaired(bytes)
        }
    }
}
