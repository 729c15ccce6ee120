import Foundation
import TernTensor

/// What `tern compile` tells of an artefact's answers.
struct CompileReport {
    /// The golden sets.
    let sets: [GoldenFolders.Set]
    /// What the source answers to each.
    let expected: [[Tensor]]
    /// The labels of all samples, if there are any.
    let labels: [Int]?

    /// Runs an artefact and writes how far its answers are from the source's and the golden ones.
    ///
    /// - Parameter artefact: The artefact, loaded from its file.
    /// - Throws: ``Failure`` if it cannot run, or the labels don't fit.
    func write(of artefact: LocalModel) throws {
        guard !sets.isEmpty else {
            writeLine("error not measured: give --golden")
            return
        }
        var (fromSource, fromGolden) = (OutputError(), OutputError())
        var goldenCount = 0
        var found = labels.map(Accuracy.init)
        var foundBySource = labels.map(Accuracy.init)
        for (set, expected) in zip(sets, expected) {
            let outputs = try artefact.run(set.inputs)
            fromSource.add(outputs, against: expected)
            if let golden = set.outputs {
                goldenCount += 1
                fromGolden.add(outputs, against: golden)
            }
            guard labels != nil else { continue }
            guard let first = outputs.first, let firstOfSource = expected.first else {
                throw Failure(.data, "\(artefact.path): there is no output to be judged")
            }
            try found?.add(first)
            try foundBySource?.add(firstOfSource)
        }
        writeLine("error against the source, \(sets.count) sets: \(fromSource.description)")
        if goldenCount > 0 {
            writeLine(
                "error against the golden outputs, \(goldenCount) sets: \(fromGolden.description)"
            )
        }
        if let found, let foundBySource {
            writeLine(
                String(
                    format: "accuracy %.4f, of the source %.4f",
                    try found.share(),
                    try foundBySource.share()
                )
            )
        }
    }
}
