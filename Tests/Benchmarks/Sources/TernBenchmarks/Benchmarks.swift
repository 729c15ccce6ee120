import ArgumentParser

/// Tern's benchmarks: each measures against a peer, in the same run, interleaved.
@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measures Tern against its peers, in the same run, interleaved.",
        subcommands: [Echo.self, Batching.self, BareEchoServer.self],
        defaultSubcommand: Echo.self
    )
}
