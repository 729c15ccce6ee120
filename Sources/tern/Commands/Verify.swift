import ArgumentParser
import Foundation
import TernRuntime
import TernTensor

/// Runs models against stored inputs and outputs.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs models on stored inputs and compares with the stored outputs.",
        discussion: """
            Each folder holds a model.onnx and folders test_data_set_0, test_data_set_1…, which \
            hold input_0.pb… and output_0.pb… as ONNX's own test cases do. Prints one line for each \
            data set; ends with 1 if any doesn't match.

            An artefact, as 'tern compile' writes it, may stand in a folder as model.tern, beside \
            the model.onnx or instead. The path of an artefact, or of a folder that has one and no \
            test_data_set_K, means the golden inputs and outputs that were compiled into it.

            Without options each element a must be within 1e-7 + 1e-3·|b| of the expected b, as \
            ONNX's own runner asks (for BF16 1e-7 + 2^-6·|b|). With --scale S it must be within S \
            times the largest magnitude of its expected output. Integers, Booleans and strings must \
            be equal.

            With --json each line is an object: "folder" as given, "passed", "sets" (how many data \
            sets were run) and, if it did not pass, "reason".

            With --batch-invariance nothing is compared with stored outputs. Instead the answers to \
            one item alone, on one thread, are held against those to the same item in batches of up \
            to 32 and on up to four threads: every bit must be equal. A model without a batch axis \
            passes.

              tern verify models/* --scale 1e-4
              tern verify models/* --batch-invariance
            """
    )

    @Argument(help: "Folders with a model and test_data_set_K, or artefacts.")
    var folders: [String]

    @Option(help: "The relative tolerance.")
    var rtol: Double?

    @Option(help: "The absolute tolerance.")
    var atol: Double?

    @Option(help: "The tolerance as a share of each output's largest magnitude.")
    var scale: Double?

    @Flag(help: "Compare the bits of items alone and in batches.")
    var batchInvariance = false

    @Flag(help: "Print a JSON object for each folder instead.")
    var json = false

    func validate() throws {
        if scale != nil, rtol != nil || atol != nil {
            throw ValidationError("--scale stands alone: leave out --rtol and --atol")
        }
        if batchInvariance, scale != nil || rtol != nil || atol != nil {
            throw ValidationError("--batch-invariance compares bits: leave out the tolerances")
        }
        for (name, value) in [("--rtol", rtol), ("--atol", atol), ("--scale", scale)] {
            if let value, !(value >= 0) { throw ValidationError("\(name) cannot be negative") }
        }
    }

    func run() async throws {
        try await reportingFailure {
            let tolerance: Tolerance =
                if let scale {
                    .scale(factor: scale)
                } else if rtol == nil && atol == nil {
                    .standard
                } else {
                    .elementwise(relative: rtol ?? 0, absolute: atol ?? 0)
                }
            var passed = 0
            var failed = 0
            for folder in folders {
                let lines = verify(folder, within: tolerance)
                for line in lines {
                    if !json { writeLine(line.text) }
                    if line.isGood { passed += 1 } else { failed += 1 }
                }
                if json { try writeReport(of: folder, lines) }
            }
            if !json { writeLine("\(passed) passed, \(failed) failed") }
            if failed > 0 { throw ExitCode(Failure.Kind.mismatch.rawValue) }
        }
    }

    private struct Line {
        let isGood: Bool
        let text: String
    }

    private struct Report: Encodable {
        let folder: String
        let passed: Bool
        let sets: Int
        let reason: String?
    }

    /// Writes the object that stands for a folder.
    private func writeReport(of folder: String, _ lines: [Line]) throws {
        let failure = lines.first { !$0.isGood }
        let report = Report(
            folder: folder,
            passed: failure == nil,
            sets: lines.count,
            reason: failure.map { String($0.text.dropFirst("FAIL ".count)) }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        writeLine(String(decoding: try encoder.encode(report), as: UTF8.self))
    }

    /// Verifies one model; what goes wrong with the model as a whole is a line as well.
    private func verify(_ folder: String, within tolerance: Tolerance) -> [Line] {
        let name = URL(fileURLWithPath: folder).lastPathComponent
        do {
            if batchInvariance {
                return [try verifyBits(folder, StoredSets.dataSets(in: folder)[0], name: name)]
            }
            let (local, sets) = try StoredSets.read(folder)
            return sets.map { set in
                let title = "\(name)/\(set.name)"
                do {
                    return try verify(local, set.read(), title: title, within: tolerance)
                } catch let failure as Failure {
                    return Line(isGood: false, text: "FAIL \(title): \(failure.message)")
                } catch {
                    return Line(isGood: false, text: "FAIL \(title): \(error)")
                }
            }
        } catch let failure as Failure {
            return [Line(isGood: false, text: "FAIL \(name): \(failure.message)")]
        } catch {
            return [Line(isGood: false, text: "FAIL \(name): \(error)")]
        }
    }

    private func verifyBits(_ folder: String, _ set: String, name: String) throws -> Line {
        var check = BatchCheck(folder, set: set)
        switch try check.run() {
        case .noBatch: return Line(isGood: true, text: "ok   \(name): no batch axis")
        case .equal(let calls, let items):
            let kind = items == 1 ? "copies of one item" : "\(items) items"
            return Line(isGood: true, text: "ok   \(name): equal bits in \(calls) calls, \(kind)")
        case .different(let place): return Line(isGood: false, text: "FAIL \(name): \(place)")
        }
    }

    private func verify(
        _ local: LocalModel,
        _ set: (inputs: [Tensor], outputs: [Tensor]),
        title: String,
        within tolerance: Tolerance
    ) throws -> Line {
        let expected = set.outputs
        let outputs = try local.run(set.inputs)
        var worst = 0.0
        for (index, output) in outputs.enumerated() {
            let comparison = TensorComparison(
                actual: output,
                expected: expected[index],
                within: tolerance
            )
            if let mismatch = comparison.mismatch {
                let name = local.model.outputs[index].name
                return Line(isGood: false, text: "FAIL \(title): output '\(name)' \(mismatch)")
            }
            let share = comparison.largestDifference / comparison.largestMagnitude
            if share.isFinite { worst = max(worst, share) }
        }
        let error = String(format: "%.1e", worst)
        return Line(
            isGood: true,
            text:
                "ok   \(title): \(outputs.count) outputs, largest difference \(error) of the magnitude"
        )
    }
}
