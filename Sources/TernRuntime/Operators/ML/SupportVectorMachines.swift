import Glibc
import TernGraph
import TernTensor

/// Support vector machines of ai.onnx.ml.
enum SupportVectorMachines {
    static let all = [regressor, classifier]

    // MARK: Regressor

    private static let regressor = OperatorDeclaration(
        "SVMRegressor",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            let (rows, _) = try MLInput.dimensions(context)
            context.setOutput(elementType: .fp32, dimensions: [rows, .fixed(1)])
        },
        kernel: { (context) throws(OperatorError) in
            let node = context.node
            let input = try MLInput(context)
            let count = try node.int("n_supports", default: 0)
            let coefficients = try node.floats("coefficients") ?? []
            let offset = (try node.floats("rho") ?? []).first ?? 0
            let isOneClass = try node.int("one_class", default: 0) != 0
            let transform = try ScoreTransform(node)
            // Without support vectors it is a linear model.
            let vectors =
                count > 0
                ? try SupportVectors(node, count: count, featureCount: input.featureCount) : nil
            guard coefficients.count == (vectors?.count ?? input.featureCount) else {
                throw OperatorError(
                    "there are \(coefficients.count) coefficients, expected "
                        + "\(vectors?.count ?? input.featureCount)"
                )
            }
            let similarities = (vectors?.count ?? 0) * MemoryLayout<Float>.stride
            return Kernel(scratchByteCount: input.scratchByteCount + similarities + 64) {
                (frame) throws(OperatorError) in
                guard let base = unsafe frame.scratch.baseAddress else { return }
                let features = unsafe try input.floats(frame)
                // SAFETY: the scratch memory has a float per vector behind the features.
                var alike = unsafe MutableSpan<Float>(
                    _unsafeStart: (base + input.scratchByteCount)
                        .assumingMemoryBound(to: Float.self),
                    count: vectors?.count ?? 0
                )
                var scores = frame.mutableElements(ofOutput: 0, as: Float.self)
                for row in 0..<input.rowCount {
                    let own = unsafe features + row * input.featureCount
                    var sum: Float = 0
                    if let vectors {
                        unsafe vectors.compare(own, into: &alike)
                        for index in coefficients.indices {
                            sum += coefficients[index] * alike[index]
                        }
                    } else {
                        for index in coefficients.indices {
                            unsafe sum += coefficients[index] * own[index]
                        }
                    }
                    sum += offset
                    scores[row] = isOneClass ? (sum > 0 ? 1 : -1) : sum
                    transform.apply(&scores, row..<(row + 1))
                }
            }
        }
    )

    // MARK: Classifier

    private static let classifier = OperatorDeclaration(
        "SVMClassifier",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        outputs: 1...2,
        shape: { (context) throws(OperatorError) in
            let (rows, _) = try MLInput.dimensions(context)
            let labels = try ClassLabels(context.node, integers: "classlabels_ints")
            context.setOutput(0, elementType: labels.elementType, dimensions: [rows])
            context.setOutput(
                1,
                elementType: .fp32,
                dimensions: [rows, .fixed(try SVMClassifier.scoreCount(context.node, labels))]
            )
        },
        kernel: { (context) throws(OperatorError) in try SVMClassifier(context).kernel() },
        evaluation: ClassLabels.evaluation(integers: "classlabels_ints")
    )
}

/// A classifier made ready: each pair of classes is decided by a sum over their vectors, the class
/// with the most wins is the label.
private struct SVMClassifier: Sendable {
    private let input: MLInput
    private let labels: ClassLabels
    private let classCount: Int
    private let vectors: SupportVectors?
    /// Where the vectors of each class begin, and where the last ends.
    private let starts: [Int]
    private let coefficients: [Float]
    private let offsets: [Float]
    private let probabilityFactors: [Float]
    private let probabilityOffsets: [Float]
    private let transform: ScoreTransform
    private let scoreCount: Int
    private let hasOutput: [Bool]

    /// How many scores a row has.
    static func scoreCount(_ node: Node, _ labels: ClassLabels) throws(OperatorError) -> Int {
        let count = labels.count
        let isLinear = (try node.ints("vectors_per_class") ?? []).allSatisfy { $0 == 0 }
        let hasProbabilities = !(try node.floats("prob_a") ?? []).isEmpty
        return isLinear || hasProbabilities || count <= 2 ? count : count * (count - 1) / 2
    }

    init(_ context: NodeContext) throws(OperatorError) {
        let node = context.node
        let input = try MLInput(context)
        let labels = try ClassLabels(node, integers: "classlabels_ints")
        let count = labels.count
        let perClass = try node.ints("vectors_per_class") ?? []
        guard perClass.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else {
            throw OperatorError("vectors_per_class has a number that cannot be")
        }
        var starts = [0]
        for number in perClass { starts.append(starts[starts.count - 1] + number) }
        let vectorCount = starts[starts.count - 1]
        coefficients = try node.floats("coefficients") ?? []
        offsets = try node.floats("rho") ?? []
        let pairs = count * (count - 1) / 2
        if vectorCount > 0 {
            guard perClass.count == count, count >= 2, offsets.count == pairs,
                coefficients.count == (count - 1) * vectorCount
            else {
                throw OperatorError(
                    "\(count) classes have \(perClass.count) counts of vectors, \(offsets.count) "
                        + "offsets (expected \(pairs)) and \(coefficients.count) coefficients "
                        + "(expected \((count - 1) * vectorCount))"
                )
            }
            vectors = try SupportVectors(
                node,
                count: vectorCount,
                featureCount: input.featureCount
            )
            probabilityFactors = try node.floats("prob_a") ?? []
            probabilityOffsets = try node.floats("prob_b") ?? []
            guard probabilityFactors.isEmpty || probabilityFactors.count == pairs,
                probabilityOffsets.count == probabilityFactors.count
            else {
                throw OperatorError(
                    "prob_a has \(probabilityFactors.count) and prob_b "
                        + "\(probabilityOffsets.count) numbers, expected \(pairs)"
                )
            }
        } else {
            guard coefficients.count == count * input.featureCount else {
                throw OperatorError(
                    "there are \(coefficients.count) coefficients, expected \(count) times "
                        + "\(input.featureCount) features"
                )
            }
            vectors = nil
            probabilityFactors = []
            probabilityOffsets = []
        }
        self.input = input
        self.labels = labels
        classCount = count
        self.starts = starts
        transform = try ScoreTransform(node)
        scoreCount = try Self.scoreCount(node, labels)
        hasOutput = (0..<2).map { context.hasOutput($0) }
    }

    /// The floats of scratch memory: similarities, the pairs' scores, votes, and probabilities.
    private var layout: (pairs: Int, votes: Int, chances: Int, end: Int) {
        let pairs = vectors?.count ?? 0
        let votes = pairs + max(classCount * (classCount - 1) / 2, classCount)
        let chances = votes + classCount
        return (pairs, votes, chances, chances + 2 * classCount * classCount + 2 * classCount)
    }

    func kernel() -> Kernel {
        let (pairsOffset, votesOffset, chancesOffset, end) = layout
        let first = input.scratchByteCount
        return Kernel(scratchByteCount: first + end * MemoryLayout<Float>.stride) {
            (frame) throws(OperatorError) in
            guard let base = unsafe frame.scratch.baseAddress else { return }
            let features = unsafe try input.floats(frame)
            let floats = unsafe (base + first).assumingMemoryBound(to: Float.self)
            // SAFETY: the pieces lie in the scratch memory, one after the other.
            var alike = unsafe MutableSpan(_unsafeStart: floats, count: pairsOffset)
            var pairs = unsafe MutableSpan(
                _unsafeStart: floats + pairsOffset,
                count: votesOffset - pairsOffset
            )
            var votes = unsafe MutableSpan(_unsafeStart: floats + votesOffset, count: classCount)
            var chances = unsafe MutableSpan(
                _unsafeStart: floats + chancesOffset,
                count: end - chancesOffset
            )
            for row in 0..<input.rowCount {
                let own = unsafe features + row * input.featureCount
                let chosen: Int
                if let vectors {
                    unsafe vectors.compare(own, into: &alike)
                    decide(alike, &pairs, &votes)
                    chosen = Self.largest(votes, classCount)
                } else {
                    unsafe score(own, &pairs)
                    chosen = Self.largest(pairs, classCount)
                }
                if !probabilityFactors.isEmpty {
                    PairwiseCoupling.couple(
                        pairs,
                        factors: probabilityFactors,
                        offsets: probabilityOffsets,
                        classCount: classCount,
                        &chances
                    )
                    for index in 0..<classCount { pairs[index] = chances[index] }
                    transform.apply(&pairs, 0..<classCount)
                } else if vectors != nil, classCount == 2 {
                    // One sum stands for two classes.
                    let value = pairs[0]
                    pairs[0] = -value
                    pairs[1] = value
                    transform.apply(&pairs, 0..<2)
                } else {
                    transform.apply(&pairs, 0..<scoreCount)
                }
                if hasOutput[0] {
                    var output = frame.mutableElements(ofOutput: 0, as: Int64.self)
                    output[row] = labels[chosen]
                }
                if hasOutput[1] {
                    var output = frame.mutableElements(ofOutput: 1, as: Float.self)
                    for index in 0..<scoreCount { output[row * scoreCount + index] = pairs[index] }
                }
            }
        }
    }

    /// The scores of a linear machine.
    @unsafe private func score(_ row: UnsafePointer<Float>, _ scores: inout MutableSpan<Float>) {
        for index in 0..<classCount {
            var sum: Float = 0
            for feature in 0..<input.featureCount {
                unsafe sum += row[feature] * coefficients[index * input.featureCount + feature]
            }
            scores[index] = sum + (offsets.first ?? 0)
        }
    }

    /// Decides each pair of classes, and counts the wins.
    private func decide(
        _ alike: borrowing MutableSpan<Float>,
        _ pairs: inout MutableSpan<Float>,
        _ votes: inout MutableSpan<Float>
    ) {
        let count = starts[classCount]
        for index in 0..<classCount { votes[index] = 0 }
        var pair = 0
        for i in 0..<classCount {
            for j in (i + 1)..<max(classCount, i + 1) {
                var sum: Double = 0
                for index in starts[i]..<starts[i + 1] {
                    sum += Double(coefficients[(j - 1) * count + index] * alike[index])
                }
                for index in starts[j]..<starts[j + 1] {
                    sum += Double(coefficients[i * count + index] * alike[index])
                }
                sum += Double(offsets[pair])
                pairs[pair] = Float(sum)
                votes[sum > 0 ? i : j] += 1
                pair += 1
            }
        }
    }

    private static func largest(_ values: borrowing MutableSpan<Float>, _ count: Int) -> Int {
        var best = 0
        for index in 0..<count where values[index] > values[best] { best = index }
        return best
    }
}

/// Probabilities of several classes from those of each pair, as LIBSVM finds them: Wu, Lin and Weng,
/// "Probability Estimates for Multi-class Classification by Pairwise Coupling", section 4.
private enum PairwiseCoupling {
    /// Writes the probability of each class to the start of `memory`.
    ///
    /// - Parameters:
    ///   - pairs: The score of each pair of classes.
    ///   - factors: What a pair's score is multiplied by in its logistic function.
    ///   - offsets: What is added then.
    ///   - classCount: How many classes there are.
    ///   - memory: Twice `classCount` · (`classCount` + 1) floats.
    static func couple(
        _ pairs: borrowing MutableSpan<Float>,
        factors: [Float],
        offsets: [Float],
        classCount: Int,
        _ memory: inout MutableSpan<Float>
    ) {
        let square = classCount * classCount
        let (r, q, p, qp) = (2 * classCount, 2 * classCount + square, 0, classCount)
        var pair = 0
        for i in 0..<classCount {
            for j in (i + 1)..<max(classCount, i + 1) {
                let argument = pairs[pair] * factors[pair] + offsets[pair]
                let chance = 1 - ScoreTransform.logistic(argument)
                let bounded = min(max(chance, 1e-7), 1 - 1e-7)
                memory[r + i * classCount + j] = bounded
                memory[r + j * classCount + i] = 1 - bounded
                pair += 1
            }
        }
        for i in 0..<classCount {
            memory[p + i] = 1 / Float(classCount)
            var diagonal: Float = 0
            for j in 0..<classCount where j != i {
                let opposite = memory[r + j * classCount + i]
                diagonal += opposite * opposite
                memory[q + i * classCount + j] = -opposite * memory[r + i * classCount + j]
            }
            memory[q + i * classCount + i] = diagonal
        }
        let tolerance = 0.005 / Float(classCount)
        for _ in 0..<max(100, classCount) {
            var total: Float = 0
            for i in 0..<classCount {
                var sum: Float = 0
                for j in 0..<classCount { sum += memory[q + i * classCount + j] * memory[p + j] }
                memory[qp + i] = sum
                total += memory[p + i] * sum
            }
            var error: Float = 0
            for i in 0..<classCount { error = max(error, abs(memory[qp + i] - total)) }
            if error < tolerance { break }
            for i in 0..<classCount {
                let own = memory[q + i * classCount + i]
                let change = (total - memory[qp + i]) / own
                memory[p + i] += change
                total =
                    (total + change * (change * own + 2 * memory[qp + i]))
                    / ((1 + change) * (1 + change))
                for j in 0..<classCount {
                    memory[qp + j] =
                        (memory[qp + j] + change * memory[q + i * classCount + j]) / (1 + change)
                    memory[p + j] /= 1 + change
                }
            }
        }
    }
}
