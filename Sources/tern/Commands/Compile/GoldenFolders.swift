import Foundation
import TernTensor

/// The golden inputs and outputs that `tern compile` is given.
struct GoldenFolders {
    /// One data set.
    struct Set {
        let name: String
        let inputs: [Tensor]
        /// The outputs that lie beside the inputs; `nil` if none do.
        let outputs: [Tensor]?
    }

    /// The sets, in the order of the arguments.
    let sets: [Set]

    /// Reads data sets.
    ///
    /// - Parameters:
    ///   - arguments: Folders of one data set each, or folders with several `test_data_set_K`.
    ///   - inputs: What the model takes.
    ///   - outputs: What it gives.
    /// - Throws: ``Failure`` that names what is missing.
    init(
        _ arguments: [String],
        inputs: [TensorDescriptor],
        outputs: [TensorDescriptor]
    ) throws {
        var sets: [Set] = []
        for argument in arguments {
            let inner = (try? StoredSets.dataSets(in: argument)) ?? []
            for folder in inner.isEmpty ? [argument] : inner {
                let hasOutputs = try Self.hasOutputs(folder)
                sets.append(
                    Set(
                        name: URL(fileURLWithPath: folder).lastPathComponent,
                        inputs: try TensorFolder.read(folder, role: .input, of: inputs),
                        outputs: hasOutputs
                            ? try TensorFolder.read(folder, role: .output, of: outputs) : nil
                    )
                )
            }
        }
        self.sets = sets
    }

    private static func hasOutputs(_ folder: String) throws -> Bool {
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw Failure(.noInput, "\(folder): there is no such folder")
        }
        return entries.contains { $0.hasPrefix("output_") && $0.hasSuffix(".pb") }
    }
}
