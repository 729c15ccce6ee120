import TernTensor

/// For how many samples a model's first output says what their labels say.
///
/// A row of numbers says the position of its largest; a single number per sample, of a whole type, says
/// itself.
struct Accuracy {
    private let labels: [Int]
    private var position = 0
    private var hitCount = 0

    /// Starts with the labels of all samples, in order.
    init(labels: [Int]) { self.labels = labels }

    /// Adds the first output of a call; its first axis goes over samples.
    ///
    /// - Parameter output: The output.
    /// - Throws: ``Failure`` if there are more samples than labels, or the output says nothing.
    mutating func add(_ output: Tensor) throws {
        guard let samples = output.shape.first, samples > 0, let numbers = output.doubles else {
            throw Failure(.data, "\(output.elementType)\(output.shape) has no samples to be judged")
        }
        guard position + samples <= labels.count else {
            throw Failure(
                .data,
                "there are \(labels.count) labels for at least \(position + samples) samples"
            )
        }
        let count = numbers.count / samples
        for sample in 0..<samples {
            let row = numbers[sample * count..<(sample + 1) * count]
            let said: Int? =
                count == 1
                ? row.first.flatMap { Int(exactly: $0) }
                : row.indices.max { row[$0] < row[$1] }.map { $0 - row.startIndex }
            if said == labels[position] { hitCount += 1 }
            position += 1
        }
    }

    /// The share of samples that were right.
    ///
    /// - Throws: ``Failure`` if some labels have no sample.
    func share() throws -> Double {
        guard position == labels.count else {
            throw Failure(.data, "there are \(labels.count) labels for \(position) samples")
        }
        return labels.isEmpty ? 1 : Double(hitCount) / Double(labels.count)
    }
}
