import ArgumentParser
import Foundation
import TernClient

/// Calls a server in ways that the scenarios need, and reports as one line of JSON.
@main
struct ScenarioClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario-client",
        abstract: "Calls a Tern server the way the scenarios need.",
        subcommands: [Storm.self, Steady.self, CloseInFlight.self]
    )
}

/// Writes `report` to standard output as one line of JSON.
func write(_ report: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    try FileHandle.standardOutput.write(contentsOf: encoder.encode(report) + Data("\n".utf8))
}

/// Makes a call of the identity model with elements that no other call has.
func callIdentity(
    _ client: TernClient,
    number: Int,
    timeout: Duration
) async throws(TernError) -> Bool {
    // Below 2^24 every whole number is a float of its own.
    let base = Float(number % (1 << 20) * 16)
    let elements = (0..<16).map { base + Float($0) }
    let reply = try await client.infer(
        model: "identity",
        inputs: [InferInput("x", shape: [1, 16], elements)],
        options: CallOptions(timeout: timeout)
    )
    let answer: [Float] = try reply.outputs[0].array()
    return answer == elements
}
