import ArgumentParser
import TernKernels
import TernMicrokernels
import TernThreadPool

/// Checks vector functions over all floats.
struct KernelsCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks vector functions for every 32-bit float against double precision.",
        discussion: """
            All 2^32 arguments, in the kernels in use: one to two minutes for each function and thread. \
            Prints the largest error, where it is and what is allowed; ends with 1 if one is too \
            large.

              tern kernels check
              tern kernels check --function exponential --function gelu --threads 2
              TERN_ISA=v3 tern kernels check
            """
    )

    @Option(
        help: """
            A function: \
            \(ExhaustiveUnaryCheck.functions.map { "\($0)" }.joined(separator: ", ")). Can be given \
            several times; without it, all.
            """
    )
    var function: [String] = []

    @Option(help: "The threads that work, 1 to 56.")
    var threads = 2

    func validate() throws {
        guard 1...56 ~= threads else { throw ValidationError("--threads must be 1 to 56") }
        for name in function where Self.function(named: name) == nil {
            throw ValidationError("there is no check of a function '\(name)'")
        }
    }

    private static func function(named name: String) -> UnaryFunction? {
        ExhaustiveUnaryCheck.functions.first { "\($0)" == name }
    }

    func run() async throws {
        let wanted =
            function.isEmpty
            ? ExhaustiveUnaryCheck.functions : function.compactMap(Self.function(named:))
        let pool = threads > 1 ? ThreadPool(workerCount: threads - 1) : nil
        defer { pool?.shutdown() }
        let table = KernelTable.current
        writeLine("\(table.name) kernels, all 2^32 floats")
        var failed = false
        for function in wanted {
            guard let check = ExhaustiveUnaryCheck(function, table: table) else { continue }
            let result = check.run(pool: pool) { done in
                if done % 64 == 0 && done < 256 {
                    writeError("  \(function): \(done * 100 / 256) %")
                }
            }
            let passes = check.passes(result)
            failed = failed || !passes
            writeLine(
                "\(passes ? "ok  " : "FAIL")  \("\(function)".padding(to: 22))"
                    + "at most \(result.worstError) \(check.bound.unit) "
                    + "at \(result.worstArgument), allowed \(check.bound.limit)"
            )
        }
        if failed { throw ExitCode(Failure.Kind.mismatch.rawValue) }
    }
}
