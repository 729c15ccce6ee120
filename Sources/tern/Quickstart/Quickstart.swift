import ArgumentParser
import Foundation
import Logging
import TernClient
import TernServer
import TernTensor

/// Shows the main job from end to end: a server, two models, real data, a client.
struct Quickstart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves two models that come along and calls them with real data.",
        discussion: """
            Starts a server on a socket in a temporary folder, sends it 450 images of handwritten \
            digits through the Swift client, and prints what it answers beside the true labels, \
            the accuracy, and the latencies with the server's own share. Then does the same with a \
            linear regression, which must agree with its closed form.

            Ends with 1 if the accuracy is below 97 % or the regression is off by more than 1e-6.
            """
    )

    /// What the digits must reach.
    private static let accuracyGoal = 0.97
    /// How far the regression may be from its closed form.
    private static let regressionGoal = 1e-6

    func run() async throws {
        try await reportingFailure {
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent(
                    "tern-quickstart-\(ProcessInfo.processInfo.processIdentifier)"
                )
            try TensorFolder.make(folder.path)
            defer { try? FileManager.default.removeItem(at: folder) }
            let endpoint = "ipc://\(folder.path)/tern.sock"
            let server = try start(on: endpoint)
            defer { server.stop() }
            let client = try await TernClient.connect(to: endpoint)
            defer { client.close() }

            let accuracy = try await showDigits(client)
            let difference = try await showRegression(client)
            _ = server.drain(within: .seconds(10))

            writeLine(
                """

                To serve your own models: put each into a folder, NAME/1/model.onnx, then
                  tern serve --models FOLDER --endpoint ipc:///tmp/tern.sock
                """
            )
            guard accuracy >= Self.accuracyGoal, difference <= Self.regressionGoal else {
                throw Failure(.mismatch, "the answers are not good enough")
            }
        }
    }

    private func start(on endpoint: String) throws -> Server {
        var configuration = ServerConfiguration()
        configuration.endpoints = [endpoint]
        configuration.embeddedModels = [
            EmbeddedModel(name: "digits", contents: .onnx(QuickstartFiles.digitsModel)),
            EmbeddedModel(name: "regression", contents: .onnx(QuickstartFiles.regressionModel)),
        ]
        configuration.logger.logLevel = .error
        let server = Server(configuration)
        do {
            try server.start()
        } catch {
            throw Failure(.unavailable, "\(error)")
        }
        writeLine("serving the models 'digits' and 'regression' on \(endpoint)\n")
        return server
    }

    /// Classifies every image, one request each.
    ///
    /// - Returns: The share of images that were recognised.
    private func showDigits(_ client: TernClient) async throws -> Double {
        let images = try QuickstartFiles.digitsImages
        let labels = try QuickstartFiles.digitsLabels.integerElements ?? []
        let model = try await client.modelMetadata("digits")
        let input = model.inputs[0]
        writeLine("digits     \(input) -> \(model.outputs[0])")
        let pixels = images.elements(as: Float.self)
        let size = pixels.count / labels.count
        let shape = Shape([1] + images.shape.dropFirst())
        var latencies = LatencyTable()
        var right = 0
        var shown = 0
        for (index, label) in labels.enumerated() {
            let image = Array(pixels[index * size..<(index + 1) * size])
            let clock = ContinuousClock()
            let start = clock.now
            let reply = try await client.infer(
                model: "digits",
                inputs: [InferInput(input.name, shape: shape, image)],
                options: CallOptions(wantsPhaseTimes: true)
            )
            let scores: [Float] = try reply.outputs[0].array()
            latencies.add(clock.now - start, server: reply.phaseTimes)
            let prediction = scores.indices.max { scores[$0] < scores[$1] } ?? -1
            if prediction == label { right += 1 }
            if index == 0 { show(image, side: images.shape[images.shape.rank - 1]) }
            if shown < 10 || (prediction != label && shown < 20) {
                shown += 1
                let mark = prediction == label ? "" : "   <- wrong"
                writeLine(
                    "  image \(String(index).leftPadding(to: 3)): predicted \(prediction), is \(label)\(mark)"
                )
            }
        }
        let accuracy = Double(right) / Double(labels.count)
        writeLine("  …")
        writeLine(
            "accuracy   \(right) of \(labels.count) images = "
                + String(format: "%.1f %%", accuracy * 100) + "\n"
        )
        latencies.write()
        return accuracy
    }

    /// Draws an image with characters.
    private func show(_ image: [Float], side: Int) {
        let shades = Array(" .:-=+*#%@")
        let brightest = image.max() ?? 1
        for row in 0..<image.count / side {
            let line = image[row * side..<(row + 1) * side].map { pixel in
                let level = Int(pixel / max(brightest, .leastNonzeroMagnitude) * 9)
                return String(repeating: shades[min(max(level, 0), 9)], count: 2)
            }
            writeLine("    " + line.joined())
        }
    }

    /// Compares the regression with its closed form.
    ///
    /// - Returns: The largest difference.
    private func showRegression(_ client: TernClient) async throws -> Double {
        let inputs = try QuickstartFiles.regressionInputs
        let expected = try QuickstartFiles.regressionExpected.doubles ?? []
        let model = try await client.modelMetadata("regression")
        let reply = try await client.infer(
            model: "regression",
            inputs: [InferInput(model.inputs[0].name, inputs)]
        )
        let answers = reply.outputs[0].tensor.doubles ?? []
        guard answers.count == expected.count else {
            throw Failure(.mismatch, "\(answers.count) answers to \(expected.count) inputs")
        }
        let difference = zip(answers, expected).map { ($0 - $1).magnitude }.max() ?? .infinity
        writeLine("\nregression \(model.inputs[0]) -> \(model.outputs[0])")
        for index in 0..<min(3, answers.count) {
            writeLine("  f(x) = \(answers[index]), closed form \(expected[index])")
        }
        writeLine(
            "difference at most \(difference) over \(answers.count) rows in one request"
        )
        return difference
    }
}
