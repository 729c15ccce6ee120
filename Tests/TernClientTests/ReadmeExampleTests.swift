import Foundation
import TernClient
import Testing

// The README's example, compiled. What stands between the two marks must stand in the README, line
// for line.
private func readmeExample(pixels: [Float]) async throws {
    // README begins
    let client = try await TernClient.connect(to: "ipc:///tmp/tern.sock")
    let reply = try await client.infer(
        model: "digits",
        inputs: [InferInput("image", shape: [1, 1, 8, 8], pixels)],
        options: CallOptions(timeout: .milliseconds(20), wantsPhaseTimes: true)
    )
    let probabilities: [Float] = try reply.output("probabilities").array()
    print(probabilities, reply.phaseTimes?.total ?? .zero)
    // README ends
}

struct ReadmeExampleTests {
    @Test func `the README's example is the one that is compiled here`() throws {
        let here = try String(contentsOfFile: #filePath, encoding: .utf8)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../..").standardizedFileURL
        let readme = try String(
            contentsOf: root.appendingPathComponent("README.md"),
            encoding: .utf8
        )
        let lines = here.split(separator: "\n", omittingEmptySubsequences: false)
        let first = try #require(lines.firstIndex { $0.hasSuffix("// README begins") })
        let last = try #require(lines.firstIndex { $0.hasSuffix("// README ends") })
        let example = lines[(first + 1)..<last].map { $0.dropFirst(4) }.joined(separator: "\n")
        #expect(readme.contains("import TernClient\n\n" + example + "\n```"))
    }
}
