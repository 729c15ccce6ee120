import Foundation
import TernWire
import Testing

/// Replays what the fuzzer found and what it starts from, without the fuzzer.
struct FuzzReplayTests {
    private static let failCases = URL(filePath: #filePath)
        .deletingLastPathComponent()
        .appending(path: "../Fuzz/FailCases")
        .standardizedFileURL

    @Test func `what once broke a decoder does not break it any more`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.failCases,
            includingPropertiesForKeys: nil
        )
        #expect(!files.isEmpty, "the folder and its README must be there")
        for file in files { try check([UInt8](Data(contentsOf: file))) }
    }

    @Test(arguments: Vector.valid + Vector.invalid)
    func `no single changed byte makes a decoder trap`(_ vector: Vector) throws {
        // Long vectors differ from short ones in how often something is repeated.
        for offset in vector.frame.indices.prefix(200) {
            for change: UInt8 in [0x01, 0x80] {
                var frame = vector.frame
                frame[offset] ^= change
                check(frame)
            }
        }
    }

    private func check(_ frame: [UInt8]) {
        unsafe frame.withUnsafeBytes { bytes in
            unsafe FrameOracle.check(bytes)
            unsafe FrameOracle.checkRepaired(bytes)
        }
    }
}
