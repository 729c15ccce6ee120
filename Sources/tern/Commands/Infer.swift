import ArgumentParser
import Foundation
import TernClient

/// Asks a server to run a model.
struct Infer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sends inputs to a model of a running server and shows what it answers.",
        discussion: """
            An input is NAME=VALUE. The value is a .npy file, given as @path, or inline JSON whose \
            numbers become the type that the model asks for. A model with one input takes the \
            value without a name.

              tern infer --endpoint ipc:///tmp/tern.sock --model digits --input image=@seven.npy
              tern infer --endpoint tcp://127.0.0.1:5555 --model line:2 --input 'x=[[1, 2, 3]]'
            """
    )

    @Option(help: "The server: ipc:///path, abstract://name or tcp://host:port.")
    var endpoint: String

    @Option(help: "The model, and perhaps its version or label: NAME, NAME:2 or NAME:stable.")
    var model: String

    @Option(name: .customLong("input"), help: "NAME=@file.npy or NAME=JSON; once for each input.")
    var inputs: [String] = []

    @Option(name: .customLong("output"), help: "An output that is wanted; all if none is named.")
    var outputs: [String] = []

    @Option(help: "Saves each output as NAME.npy in this folder instead of printing it.")
    var outputDir: String?

    @Option(help: "How long the call may take, in milliseconds.")
    var timeout: Int = 30_000

    @Option(help: "The request's priority at the server, from -128 to 127; larger is more urgent.")
    var priority: Int8 = 0

    @Flag(help: "Shows where the server spent its time.")
    var phases = false

    func run() async throws {
        try await reportingFailure {
            let reference = try ModelReference(model)
            let options = CallOptions(
                timeout: .milliseconds(timeout),
                priority: priority,
                wantsPhaseTimes: phases
            )
            var configuration = TernClient.Configuration()
            configuration.connectTimeout = min(configuration.connectTimeout, .milliseconds(timeout))
            let client = try await TernClient.connect(to: endpoint, configuration: configuration)
            defer { client.close() }
            let metadata = try await client.modelMetadata(
                reference.name,
                version: reference.version,
                options: options
            )
            let tensors = try inputs.map { try readInput($0, of: metadata) }
            let reply = try await client.infer(
                model: reference.name,
                version: reference.version,
                label: reference.label,
                inputs: tensors,
                outputs: outputs,
                options: options
            )
            try show(reply)
        }
    }

    /// Reads `NAME=VALUE`, or a value alone for a model with one input.
    private func readInput(_ argument: String, of metadata: ModelMetadata) throws -> InferInput {
        let names = metadata.inputs.map(\.name)
        // Names may contain '=': the longest name of the model that fits is meant.
        let named = metadata.inputs
            .filter { argument.hasPrefix($0.name + "=") }
            .max { $0.name.count < $1.name.count }
        let descriptor: TensorDescriptor
        let value: Substring
        if let named {
            descriptor = named
            value = argument.dropFirst(named.name.count + 1)
        } else if metadata.inputs.count == 1, argument.first == "@" || argument.first == "[" {
            descriptor = metadata.inputs[0]
            value = argument[...]
        } else {
            throw Failure(
                .usage,
                "'\(argument)' names no input of \(metadata.name); it has \(names.joined(separator: ", "))"
            )
        }
        do {
            let tensor =
                value.first == "@"
                ? try TensorFolder.readNumPy(String(value.dropFirst()))
                : try Tensor(json: String(value), elementType: descriptor.elementType)
            return InferInput(descriptor.name, tensor)
        } catch let failure as Failure {
            throw Failure(failure.kind, "input '\(descriptor.name)': \(failure.message)")
        }
    }

    private func show(_ reply: InferReply) throws {
        if let outputDir {
            try TensorFolder.make(outputDir)
            for output in reply.outputs {
                let path = try TensorFolder.writeNumPy(
                    output.tensor,
                    named: output.name,
                    in: outputDir
                )
                writeLine("\(output.name): \(output.elementType)\(output.shape) -> \(path)")
            }
        } else {
            for output in reply.outputs {
                writeLine(
                    "\(output.name): \(output.elementType)\(output.shape) = \(output.tensor.text())"
                )
            }
        }
        guard let times = reply.phaseTimes else { return }
        writeLine(
            "version \(reply.modelVersion), server's time \(times.total.microseconds) µs: "
                + "receive and decode \(times.receiveAndDecode.microseconds), "
                + "queue \(times.queue.microseconds), batch wait \(times.batchWait.microseconds), "
                + "compute \(times.compute.microseconds), encode \(times.encode.microseconds)"
        )
    }
}

/// A model as the command line names it: `NAME`, `NAME:VERSION` or `NAME:LABEL`.
struct ModelReference {
    let name: String
    let version: Int?
    let label: String?

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        guard !name.isEmpty, parts.count == 1 || !parts[1].isEmpty else {
            throw Failure(
                .usage,
                "'\(text)' names no model; expected NAME, NAME:VERSION or NAME:LABEL"
            )
        }
        version = parts.count == 2 ? Int(parts[1]) : nil
        label = parts.count == 2 && version == nil ? String(parts[1]) : nil
    }
}

extension Duration {
    /// In microseconds with one digit after the point.
    var microseconds: String { String(format: "%.1f", self / .microseconds(1)) }
}
