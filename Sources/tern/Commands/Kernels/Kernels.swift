import ArgumentParser

/// What is about the kernels rather than about a model.
struct Kernels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows, times and checks the kernels that this machine runs.",
        discussion: """
            The environment variable TERN_ISA (portable, v3 or v4) makes every command of tern use \
            the kernels of another instruction set that this machine has.
            """,
        subcommands: [KernelsList.self, KernelsBench.self, KernelsCheck.self]
    )
}
