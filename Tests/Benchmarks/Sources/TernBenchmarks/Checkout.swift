import ArgumentParser
import Foundation

/// The checkout that this program was built from.
enum Checkout {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../..").standardizedFileURL

    /// Builds the tern program.
    static func buildTern() throws -> URL {
        print("building tern…")
        let build = Process()
        build.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        build.arguments = [
            "swift", "build", "-c", "release", "--package-path", root.path, "--product", "tern",
        ]
        try build.run()
        build.waitUntilExit()
        guard build.terminationStatus == 0 else {
            throw ValidationError("tern could not be built")
        }
        return root.appendingPathComponent(".build/release/tern")
    }
}

/// The monotonic clock, in nanoseconds.
func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

func loadAverage() -> String {
    (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))?
        .split(separator: " ").prefix(3).joined(separator: " ") ?? "unknown"
}
