import ArgumentParser
import Foundation
import TernArtefact
import TernRuntime
import TernTensor

/// Turns a model into an artefact.
struct Compile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turns a model into an artefact that loads in milliseconds.",
        discussion: """
            An artefact holds the graph after all passes, the weights, and the weights packed for \
            the kernels of this machine. It is mapped into memory, not read: processes that load the \
            same artefact share its pages. Wherever a model file is asked for, an artefact will do; \
            in a folder it is called model.tern. On a machine with other kernels the weights are \
            packed again when it is loaded.

            Golden inputs are compiled in with the outputs that lie beside them, or else those of the \
            source; 'tern verify model.tern' runs them. What is printed of them is the error of the \
            artefact, as it was written, against the source and against the golden outputs.

            With --precision bf16 the weights of matrix products are kept in bfloat16 and the products \
            computed from bfloat16 with sums of 32-bit floats: half the memory to stream, and other \
            answers, so give --golden to see how far they are off.

            With --precision int8 convolutions and matrix products with weights compute with bytes: \
            signed ones with a scale for each channel for the weights, unsigned ones for what goes in \
            and comes out, whose range is what is seen while the model runs on the inputs of \
            --calibrate. Give inputs like those that are to come, and others as --golden.

              tern compile model.onnx -o model.tern --golden test_data_set_0
              tern compile model.onnx -o model.tern --precision int8 --calibrate samples
              tern compile model.onnx -o model.tern --shapes ids=1x128,mask=1x128
            """
    )

    @Argument(help: "A model file, or a folder that holds a model.onnx.")
    var model: String

    @Option(name: .shortAndLong, help: "The file to write.")
    var output: String

    @Option(help: "What matrix products are computed from: f32, bf16, or int8, with convolutions.")
    var precision = Precision.f32

    @Option(
        help: """
            A folder with inputs for int8, as --golden takes them, without outputs; may be repeated.
            """
    )
    var calibrate: [String] = []

    @Option(
        help: """
            Input shapes to be ready for when the artefact is loaded, such as ids=1x128,mask=1x128; \
            may be repeated.
            """
    )
    var shapes: [String] = []

    @Option(
        help: """
            A folder with input_K.pb or NAME.npy, and output_K.pb perhaps, or with test_data_set_K; \
            may be repeated.
            """
    )
    var golden: [String] = []

    @Option(
        help: """
            A .npy file of whole numbers, the labels of all samples of the golden inputs in order: \
            shows how many the first output gets right.
            """
    )
    var labels: String?

    func validate() throws {
        if precision == .int8, calibrate.isEmpty {
            throw ValidationError("--precision int8 needs --calibrate")
        }
        if precision != .int8, !calibrate.isEmpty {
            throw ValidationError("--calibrate is for --precision int8")
        }
        if labels != nil, golden.isEmpty { throw ValidationError("--labels needs --golden") }
    }

    func run() async throws {
        try await reportingFailure {
            let clock = ContinuousClock()
            let start = clock.now
            let source = try CompilationSource(model)
            let sets = try GoldenFolders(
                golden,
                inputs: source.model.inputs,
                outputs: source.model.outputs
            ).sets
            let labels = try self.labels.map(Self.readLabels)
            let expected = try sets.map { try source.run($0.inputs) }
            let calibration = try GoldenFolders(
                calibrate,
                inputs: source.model.inputs,
                outputs: source.model.outputs
            ).sets
            let artefact = try source.artefact(
                in: precision,
                calibrating: calibration.map(\.inputs),
                shapes: shapes,
                goldenSets: zip(sets, expected).map { set, outputs in
                    Artefact.GoldenSet(
                        name: set.name,
                        inputs: set.inputs,
                        outputs: set.outputs ?? outputs
                    )
                }
            )
            let byteCount = try Self.write(artefact, to: output)
            let compileTime = clock.now - start
            let (written, loadTime) = try Self.load(output)
            writeLine(
                "\(output): \(precision.rawValue), \(Self.megabytes(byteCount)), source "
                    + "\(source.sizeText), \(artefact.panels.count) weights packed for \(artefact.packing)"
            )
            writeLine(
                "compiled in \(Self.milliseconds(compileTime)), loads in "
                    + Self.milliseconds(loadTime)
            )
            try CompileReport(sets: sets, expected: expected, labels: labels).write(of: written)
        }
    }

    private static func readLabels(_ path: String) throws -> [Int] {
        guard let labels = try TensorFolder.readNumPy(path).integerElements else {
            throw Failure(.data, "\(path): labels must be whole numbers")
        }
        return labels
    }

    private static func write(_ artefact: Artefact, to path: String) throws -> Int {
        do throws(ArtefactError) {
            return try artefact.write(to: path)
        } catch {
            throw Failure(.cannotCreate, "\(error)")
        }
    }

    /// Loads what was written, as any other process would.
    private static func load(_ path: String) throws -> (LocalModel, Duration) {
        let clock = ContinuousClock()
        let start = clock.now
        let model = try ModelLoading.load(path)
        return (LocalModel(path, model), clock.now - start)
    }

    private static func milliseconds(_ duration: Duration) -> String {
        String(format: "%.1f ms", duration.nanoseconds / 1e6)
    }

    /// A file's size for people.
    static func megabytes(_ byteCount: Int) -> String {
        byteCount < 100_000
            ? "\(byteCount) bytes" : String(format: "%.1f MB", Double(byteCount) / 1e6)
    }
}
