import ArgumentParser
import TernRuntime
import TernTensor

/// Runs a model without a server: once, or many times to see how long it takes.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a model on inputs from files, without a server.",
        discussion: """
            The input folder holds input_0.pb, input_1.pb… (ONNX TensorProto, in the model's order) \
            or NAME.npy for each input. Outputs are written as output_0.pb, output_1.pb…, or as \
            NAME.npy with --npy.

              tern run model.onnx --input-dir test_data_set_0 --output-dir results

            With --repeat the same call is made again and again, after some that aren't counted, and \
            what the calls took is shown, and before it what loading the model and the first call \
            took. With --profile the time is shown by operator and by node, \
            with the arithmetic and the memory traffic that went into it; --trace writes the last \
            call as a file that the Perfetto and Chrome trace viewers open. With --profile --json the \
            memory is shown instead, in bytes: what a call uses, and the least that the values and \
            scratch memory needed at one time can do with.

              tern run model.onnx --input-dir test_data_set_0 --repeat 1000 --profile
            """
    )

    @Argument(help: "A model file, or a folder that holds a model.tern or a model.onnx.")
    var model: String

    @Option(help: "The folder with the inputs.")
    var inputDir: String

    @Option(help: "The folder for the outputs; it is made if it isn't there.")
    var outputDir: String?

    @Flag(help: "Writes the outputs as NAME.npy instead of output_K.pb.")
    var npy = false

    @Option(name: .customLong("repeat"), help: "How many calls are timed, 1 to 1000000.")
    var callCount: Int?

    @Option(help: "The threads that may take part, 1 to 56; all processors unless told otherwise.")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "A pass that is left out, to see what it brings; 'tern inspect --plan' names them.",
            valueName: "pass"
        )
    )
    var without: [String] = []

    @Option(
        name: .customLong("with"),
        help: ArgumentHelp("A pass that is run although it usually isn't.", valueName: "pass")
    )
    var with: [String] = []

    @Flag(help: "Shows where the time goes.")
    var profile = false

    @Option(help: "The file for a trace of one call.")
    var trace: String?

    @Flag(help: "Writes the times as one JSON object.")
    var json = false

    func validate() throws {
        if let callCount, !(1...1_000_000 ~= callCount) {
            throw ValidationError("--repeat must be 1 to 1000000")
        }
        if let threads, !(1...56 ~= threads) { throw ValidationError("--threads must be 1 to 56") }
        if outputDir == nil, callCount == nil, !profile, trace == nil {
            throw ValidationError(
                "nothing to do: give --output-dir, --repeat, --profile or --trace"
            )
        }
        if npy, outputDir == nil { throw ValidationError("--npy needs --output-dir") }
    }

    func run() async throws {
        try await reportingFailure {
            let clock = ContinuousClock()
            let start = clock.now
            let local = try LocalModel(model, threadCount: threads, without: without, with: with)
            let loadTime = clock.now - start
            let inputs = try TensorFolder.read(inputDir, role: .input, of: local.model.inputs)
            let firstStart = clock.now
            let outputs = try local.run(inputs)
            let firstTime = clock.now - firstStart
            if let outputDir { try write(outputs, of: local, to: outputDir) }
            if let callCount {
                let times = try CallTimes(
                    of: local,
                    callCount: callCount,
                    loadTime: loadTime,
                    firstTime: firstTime
                )
                writeLine(json ? times.json : times.description)
            }
            if profile || trace != nil {
                let profile = try Profile(of: local, callCount: callCount ?? 100)
                if self.profile {
                    (json ? [profile.memoryJSON] : profile.lines).forEach(writeLine)
                }
                if let trace { try profile.writeTrace(to: trace) }
            }
        }
    }

    private func write(_ outputs: [Tensor], of local: LocalModel, to folder: String) throws {
        try TensorFolder.make(folder)
        for (index, output) in outputs.enumerated() {
            let name = local.model.outputs[index].name
            if npy {
                _ = try TensorFolder.writeNumPy(output, named: name, in: folder)
            } else {
                try TensorFolder.write(output, named: name, index: index, in: folder)
            }
            writeLine("\(name): \(output.elementType)\(output.shape)")
        }
    }
}
