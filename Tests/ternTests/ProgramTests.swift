import Foundation
import TernONNX
import TernTensor
import Testing

/// Runs the program as a user does.
struct ProgramTests {
    private struct Outcome {
        let code: Int32
        let output: String
        let error: String
    }

    /// The program that was built beside these tests.
    private static let program: URL = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent("tern")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder.deleteLastPathComponent()
        }
        return URL(fileURLWithPath: ".build/debug/tern")
    }()

    private static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fixtures/models").standardizedFileURL

    private func tern(_ arguments: String...) throws -> Outcome { try tern(arguments) }

    private func tern(_ arguments: [String]) throws -> Outcome {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let outputData = output.fileHandleForReading.readDataToEndOfFile()
        let errorData = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus,
            output: String(decoding: outputData, as: UTF8.self),
            error: String(decoding: errorData, as: UTF8.self)
        )
    }

    /// A folder with the identity model and one data set, in which the output is off by `error`.
    private func verificationFolder(error: Float) throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-\(UUID().uuidString)")
        let set = folder.appendingPathComponent("test_data_set_0")
        try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Self.models.appendingPathComponent("identity.onnx"),
            to: folder.appendingPathComponent("model.onnx")
        )
        let input = Tensor(elementType: .fp32, shape: [1, 4], values: [1, 2, 3, 4] as [Float])
        let output = Tensor(
            elementType: .fp32,
            shape: [1, 4],
            values: [1, 2, 3, 4 + error] as [Float]
        )
        try TensorFile.write(input, name: "x", to: set.appendingPathComponent("input_0.pb").path)
        try TensorFile.write(output, name: "y", to: set.appendingPathComponent("output_0.pb").path)
        return folder
    }

    @Test func `verify tells a line for each data set and ends with 0 if all match`() throws {
        let folder = try verificationFolder(error: 0)
        defer { try? FileManager.default.removeItem(at: folder) }
        let outcome = try tern("verify", folder.path)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("ok   \(folder.lastPathComponent)/test_data_set_0"))
        #expect(outcome.output.contains("1 passed, 0 failed"))
    }

    @Test func `verify ends with 1 at a mismatch, unless the tolerance allows it`() throws {
        let folder = try verificationFolder(error: 0.5)
        defer { try? FileManager.default.removeItem(at: folder) }
        let strict = try tern("verify", folder.path)
        #expect(strict.code == 1)
        #expect(strict.output.contains("expected 4.5"))
        #expect(try tern("verify", folder.path, "--scale", "0.2").code == 0)
        #expect(try tern("verify", folder.path, "--atol", "0.6").code == 0)
        #expect(try tern("verify", folder.path, "--scale", "1", "--atol", "1").code == 64)
    }

    @Test func `verify gives an object for each folder if asked for JSON`() throws {
        let folder = try verificationFolder(error: 0.5)
        defer { try? FileManager.default.removeItem(at: folder) }
        let outcome = try tern("verify", "--json", folder.path, "/nonexistent")
        #expect(outcome.code == 1)
        let lines = outcome.output.split(separator: "\n")
        try #require(lines.count == 2)
        #expect(lines[0].contains("\"folder\":\"\(folder.path)\",\"passed\":false"))
        #expect(lines[0].contains("expected 4.5"))
        #expect(lines[0].hasSuffix("\"sets\":1}"))
        #expect(lines[1].contains("there is no such folder"))
    }

    @Test func `run writes what it was told to, as protobuf or as npy`() throws {
        let folder = try verificationFolder(error: 0)
        defer { try? FileManager.default.removeItem(at: folder) }
        let input = folder.appendingPathComponent("test_data_set_0").path
        let results = folder.appendingPathComponent("results").path
        #expect(
            try tern("run", folder.path, "--input-dir", input, "--output-dir", results).code == 0
        )
        let (_, tensor) = try TensorFile.read("\(results)/output_0.pb")
        #expect(tensor.elements(as: Float.self) == [1, 2, 3, 4])
        let npy = try tern(
            "run",
            folder.path,
            "--input-dir",
            input,
            "--output-dir",
            results,
            "--npy"
        )
        #expect(npy.code == 0)
        let name = try #require(npy.output.split(separator: ":").first)
        #expect(try NPYFile.read("\(results)/\(name).npy").shape == [1, 4])
    }

    @Test func `inspect shows a plan, and writes the graph as text or for drawing`() throws {
        let folder = try verificationFolder(error: 0)
        defer { try? FileManager.default.removeItem(at: folder) }
        let plan = try tern("inspect", folder.path, "--plan")
        #expect(plan.code == 0)
        for word in ["before ", "passes", "after ", "memory "] {
            #expect(plan.output.contains("\n\(word)") || plan.output.hasPrefix(word))
        }
        let text = try tern("inspect", folder.path, "--dump", "-")
        #expect(text.output.hasPrefix("input "))
        let path = folder.appendingPathComponent("graph.dot").path
        #expect(try tern("inspect", folder.path, "--dump", path).code == 0)
        let drawing = try String(contentsOfFile: path, encoding: .utf8)
        #expect(drawing.hasPrefix("digraph"))
        #expect(drawing.contains(" -> "))
        #expect(try tern("inspect", folder.path, "--plan", "--shape", "nobody=1").code == 64)
        #expect(try tern("inspect", folder.path, "--without", "nothing").code == 64)
    }

    @Test func `compile writes an artefact that verify, run and inspect take`() throws {
        let folder = try verificationFolder(error: 0)
        defer { try? FileManager.default.removeItem(at: folder) }
        let artefact = folder.appendingPathComponent("model.tern").path
        let set = folder.appendingPathComponent("test_data_set_0").path
        let compiled = try tern(
            ["compile", folder.path, "-o", artefact, "--golden", folder.path]
                + ["--shapes", "x=2x4"]
        )
        #expect(compiled.code == 0, "\(compiled.error)")
        #expect(compiled.output.contains("error against the source, 1 sets: max 0.0e+00"))
        #expect(compiled.output.contains("error against the golden outputs, 1 sets: max 0.0e+00"))
        // The golden set inside, and the folder's own with the artefact that lies in it now.
        for argument in [artefact, folder.path] {
            let verified = try tern("verify", argument)
            #expect(verified.code == 0)
            #expect(verified.output.contains("test_data_set_0: 1 outputs"))
        }
        try FileManager.default.removeItem(atPath: set + "/output_0.pb")
        #expect(try tern("verify", artefact).code == 0)
        let run = try tern("run", artefact, "--input-dir", set, "--repeat", "2", "--json")
        #expect(run.code == 0)
        #expect(run.output.contains("\"loadNanoseconds\":"))
        let inspected = try tern("inspect", artefact)
        #expect(inspected.code == 0)
        #expect(inspected.output.contains("planned    x [2, 4]"))
        #expect(inspected.output.contains("fits here"))
    }

    @Test func `compile counts how many samples get their labels`() throws {
        let folder = try verificationFolder(error: 0)
        defer { try? FileManager.default.removeItem(at: folder) }
        let artefact = folder.appendingPathComponent("new.tern").path
        let labels = folder.appendingPathComponent("labels.npy").path
        for (label, accuracy) in [(Int64(3), "1.0000"), (1, "0.0000")] {
            let tensor = Tensor(elementType: .int64, shape: [1], values: [label])
            try NPYFile.write(tensor, to: labels)
            let arguments = ["compile", folder.path, "-o", artefact, "--golden", folder.path]
            let outcome = try tern(arguments + ["--labels", labels])
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("accuracy \(accuracy), of the source \(accuracy)"))
        }
        #expect(try tern("compile", folder.path, "-o", artefact, "--labels", labels).code == 64)
        let wrong = try tern("compile", folder.path, "-o", artefact, "--shapes", "y=1x4")
        #expect(wrong.code == 64)
        #expect(wrong.error.contains("there is no input 'y'"))
    }

    @Test func `compile computes with bytes whose ranges calibration inputs show`() throws {
        let folder = try verificationFolder(error: 0)
        defer { try? FileManager.default.removeItem(at: folder) }
        let artefact = folder.appendingPathComponent("small.tern").path
        let input = Tensor(
            elementType: .fp32,
            shape: [1, 2, 6, 6],
            values: (0..<72).map { Float($0) / 36 - 1 }
        )
        let set = folder.appendingPathComponent("samples")
        try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
        let file = set.appendingPathComponent("input_0.pb").path
        try TensorFile.write(input, name: "x", to: file)
        let model = Self.models.appendingPathComponent("small_cnn.onnx").path
        let arguments = ["compile", model, "-o", artefact, "--golden", set.path]
        let compiled = try tern(
            arguments + ["--precision", "int8", "--calibrate", set.path]
        )
        #expect(compiled.code == 0, "\(compiled.error)")
        #expect(compiled.output.contains("small.tern: int8"))
        #expect(try tern("inspect", artefact).output.contains("QLinearConv"))
        #expect(try tern(arguments + ["--precision", "int8"]).code == 64)
        #expect(try tern(arguments + ["--calibrate", set.path]).code == 64)
        let identity = try tern(
            ["compile", folder.path, "-o", artefact, "--precision", "int8"]
                + ["--calibrate", folder.path]
        )
        #expect(identity.code == 65)
        #expect(identity.error.contains("no convolution or matrix product"))
    }

    @Test func `a damaged artefact ends with 65 and says what was expected and found`() throws {
        let folder = try verificationFolder(error: 0)
        defer { try? FileManager.default.removeItem(at: folder) }
        let artefact = folder.appendingPathComponent("model.tern").path
        #expect(try tern("compile", folder.path, "-o", artefact).code == 0)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: artefact))
        try bytes.dropLast().write(to: URL(fileURLWithPath: artefact))
        let short = try tern("inspect", artefact)
        #expect(short.code == 65)
        #expect(short.error.contains("\(bytes.count) bytes, found \(bytes.count - 1)"))
        #expect(try tern("compile", artefact, "-o", artefact).code == 65)
        try Data("text".utf8).write(to: URL(fileURLWithPath: artefact))
        let other = try tern("verify", artefact)
        #expect(other.code == 1)
        #expect(other.output.contains("not a Tern artefact"))
    }

    @Test func `a file that isn't there ends with 66 and is named`() throws {
        let outcome = try tern("inspect", "/nonexistent/model.onnx")
        #expect(outcome.code == 66)
        #expect(outcome.error.contains("/nonexistent/model.onnx"))
    }

    @Test func `a damaged model ends with 65 and says what is wrong`() throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-\(UUID().uuidString).onnx")
        try Data([0xFF, 0x00, 0x13, 0x37]).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        let outcome = try tern("inspect", path.path)
        #expect(outcome.code == 65)
        #expect(outcome.error.contains(path.lastPathComponent))
    }

    @Test func `a wrong command line ends with 64`() throws {
        #expect(try tern("verify").code == 64)
        #expect(try tern("infer", "--endpoint", "ipc:///x").code == 64)
        #expect(try tern("nonsense").code == 64)
    }

    @Test func `a server that isn't there ends with 69`() throws {
        let outcome = try tern(
            "infer",
            "--endpoint",
            "ipc:///nonexistent/tern.sock",
            "--model",
            "digits",
            "--input",
            "[1]",
            "--timeout",
            "300"
        )
        #expect(outcome.code == 69)
        #expect(outcome.error.contains("/nonexistent/tern.sock"))
    }

    @Test func `the list of kernels says which are used, and names those of each kind`() throws {
        let outcome = try tern("kernels", "list")
        #expect(outcome.code == 0)
        #expect(outcome.output.components(separatedBy: "used here").count == 2)
        for kind in [
            "gemm f32", "gemm u8/s8", "gemm bf16", "gemm q4/q8", "convolution u8/s8",
            "attention f32", "element-wise", "softmax", "normalisation", "reduction", "pooling",
            "recurrent",
            "transposition",
        ] {
            #expect(outcome.output.contains(kind))
        }
    }

    @Test(arguments: ["f32", "u8s8", "s8s8", "u8u8", "bf16", "q4", "q8"])
    func `a product of any type can be timed, and one line of JSON tells how long it took`(
        _ type: String
    ) throws {
        let outcome = try tern(
            "kernels",
            "bench",
            "--shape",
            "3x33x65",
            "--type",
            type,
            "--samples",
            "1",
            "--json"
        )
        #expect(outcome.code == 0)
        let line = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let values = try #require(line as? [String: Any])
        #expect(values["name"] as? String == "3x33x65")
        #expect(values["type"] as? String == type)
        let median = try #require(values["medianNanoseconds"] as? Double)
        let peak = try #require(values["peakGigaoperationsPerSecond"] as? Double)
        #expect(median > 0 && peak > 0)
    }

    @Test func `a product of one row is held against the speed of memory`() throws {
        let shape = ["--shape", "1x64x64", "--samples", "1", "--json"]
        let outcome = try tern(["kernels", "bench"] + shape)
        let line = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let values = try #require(line as? [String: Any])
        #expect(try #require(values["streamGigabytesPerSecond"] as? Double) > 0)
    }

    @Test(arguments: [
        "gelu", "silu", "rsqrt", "softmax", "logsoftmax", "rmsnorm", "batchnorm", "groupnorm",
        "instancenorm", "add", "addrow", "addcolumn", "sum", "maxcolumns", "transpose", "avgpool",
        "lstm", "gru",
    ])
    func `a function of each family can be timed`(_ name: String) throws {
        let function = ["--function", "\(name):3x64", "--samples", "1", "--json"]
        let outcome = try tern(["kernels", "bench"] + function)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("\(name):3x64"))
    }

    @Test(arguments: [
        ["--function", "avgpool:3x65"], ["--shape", "3x33"], ["--shape", "3x0x5"],
        ["--function", "frown:2x2"],
        ["--convolution", "3x8x8:4x9x9:1:0:1"], ["--threads", "0"],
        ["--convolution", "3x8x8:4x3x3:1:0:1", "--type", "bf16"],
    ])
    func `a work that can't be timed is a wrong command line`(_ option: [String]) throws {
        #expect(try tern(["kernels", "bench"] + option).code == 64)
    }

    @Test func `help teaches the commands and the exit codes`() throws {
        let outcome = try tern("--help")
        #expect(outcome.code == 0)
        for word in ["serve", "infer", "inspect", "run", "verify", "kernels", "quickstart", "65"] {
            #expect(outcome.output.contains(word))
        }
    }
}
