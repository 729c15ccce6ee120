import ArgumentParser

/// The program: one subcommand for each step in the life of a model.
@main
struct Tern: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tern",
        abstract: "Serves trained models with a few microseconds of its own.",
        discussion: """
            A model is looked at with 'inspect', proved with 'verify', tried with 'run', turned into \
            an artefact that loads in milliseconds with 'compile', served with 'serve' and called \
            with 'infer'. 'quickstart' shows all of it with two models \
            that come along.

            Exit codes:
              0   done
              1   'verify' found a mismatch, or 'quickstart' an answer that isn't good enough
              64  the command line is wrong
              65  a file or a model cannot be used: damaged, unsupported, or of another shape
              66  a file or folder isn't there or cannot be read
              69  the server or an endpoint is not available
              70  a defect in tern or in the server
              73  an output cannot be written
              75  try again later: out of time, overloaded, cancelled
              128 + n  ended by a second signal n while draining
            """,
        version: "0.1.0",
        subcommands: [
            Serve.self, Infer.self, Inspect.self, Compile.self, Run.self, Verify.self,
            Kernels.self, Quickstart.self,
        ]
    )
}
