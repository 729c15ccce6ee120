import ArgumentParser
import TernKernels
import TernMicrokernels

/// Lists the kernels.
struct KernelsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract:
            "Lists the kernels of each instruction set, and says which are used here and why.",
        discussion: "  tern kernels list"
    )

    func run() async throws {
        for choice in InstructionSetChoice.all {
            writeLine(choice.description)
            guard let table = choice.table else { continue }
            for kernel in KernelDescription.all(of: table) {
                writeLine(
                    "  " + kernel.name.padding(to: 18) + kernel.tile.padding(to: 10)
                        + kernel.summary
                )
            }
        }
    }
}
