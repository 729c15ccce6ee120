import ArgumentParser
import TernRuntime
import TernTensor

/// Runs a model once, without a server.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a model on inputs from files, without a server.",
        discussion: """
            The input folder holds input_0.pb, input_1.pb… (ONNX TensorProto, in the model's order) \
            or NAME.npy for each input. Outputs are written as output_0.pb, output_1.pb…, or as \
            NAME.npy with --npy.

              tern run model.onnx --input-dir test_data_set_0 --output-dir results
            """
    )

    @Argument(help: "A model file, or a folder that holds a model.onnx.")
    var model: String

    @Option(help: "The folder with the inputs.")
    var inputDir: String

    @Option(help: "The folder for the outputs; it is made if it isn't there.")
    var outputDir: String

    @Flag(help: "Writes the outputs as NAME.npy instead of output_K.pb.")
    var npy = false

    func run() async throws {
        try await reportingFailure {
            let local = try LocalModel(model)
            let inputs = try TensorFolder.read(inputDir, role: .input, of: local.model.inputs)
            let outputs = try local.run(inputs)
            try TensorFolder.make(outputDir)
            for (index, output) in outputs.enumerated() {
                let name = local.model.outputs[index].name
                if npy {
                    _ = try TensorFolder.writeNumPy(output, named: name, in: outputDir)
                } else {
                    try TensorFolder.write(output, named: name, index: index, in: outputDir)
                }
                writeLine("\(name): \(output.elementType)\(output.shape)")
            }
        }
    }
}
