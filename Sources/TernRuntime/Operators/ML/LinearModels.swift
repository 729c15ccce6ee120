import TernGraph
import TernKernels
import TernTensor

/// Linear models of ai.onnx.ml: scores are features · coefficientsᵀ + intercepts.
enum LinearModels {
    static let all = [classifier, regressor]

    /// Coefficients [targets, features], packed, and an intercept per target.
    private static func pack(
        _ context: NodeContext,
        targetCount: Int,
        featureCount: Int
    ) throws(OperatorError) -> (packed: PackedMatrix, intercepts: Tensor) {
        try context.preparedFromAttributes(variant: "coefficients \(featureCount)") {
            () throws(OperatorError) in
            try pack(context.node, targetCount: targetCount, featureCount: featureCount)
        }
    }

    private static func pack(
        _ node: Node,
        targetCount: Int,
        featureCount: Int
    ) throws(OperatorError) -> (packed: PackedMatrix, intercepts: Tensor) {
        let coefficients = try node.floats("coefficients") ?? []
        let given = try node.floats("intercepts") ?? []
        // Files exist with more than are used; other runtimes read the first.
        guard coefficients.count >= targetCount * featureCount else {
            throw OperatorError(
                "there are \(coefficients.count) coefficients, expected \(targetCount) times "
                    + "\(featureCount) features"
            )
        }
        guard given.isEmpty || given.count == targetCount else {
            throw OperatorError("there are \(given.count) intercepts, expected \(targetCount)")
        }
        let intercepts = given.isEmpty ? Array(repeating: 0, count: targetCount) : given
        let packed = unsafe coefficients.withUnsafeBufferPointer { buffer in
            // SAFETY: the count was just checked. An empty array may have no address; nothing is
            // read through it then.
            unsafe PackedMatrix(
                rowCount: featureCount,
                columnCount: targetCount,
                elements: buffer.baseAddress
                    ?? UnsafePointer(bitPattern: MemoryLayout<Float>.alignment)!,
                rowStride: featureCount,
                isTransposed: true
            )
        }
        return (packed, Tensor(elementType: .fp32, shape: [targetCount], values: intercepts))
    }

    /// Writes the scores of all rows, `columnCount` apart.
    @unsafe private static func score(
        _ input: MLInput,
        _ packed: PackedMatrix,
        _ intercepts: Tensor,
        into scores: UnsafeMutablePointer<Float>,
        columnCount: Int,
        _ frame: borrowing KernelFrame
    ) throws(OperatorError) {
        let features = unsafe try input.floats(frame)
        let context = frame.context
        withExtendedLifetime(intercepts) {
            // SAFETY: there is an intercept per column, kept during the call.
            unsafe GEMM.multiply(
                features,
                rowStride: input.featureCount,
                rowCount: input.rowCount,
                by: packed,
                into: scores,
                rowStride: columnCount,
                epilogue: Epilogue(
                    bias: .perColumn(
                        UnsafePointer(
                            intercepts.storage.baseAddress.assumingMemoryBound(to: Float.self)
                        )
                    )
                ),
                context: context
            )
        }
    }

    // MARK: Regressor

    private static let regressor = OperatorDeclaration(
        "LinearRegressor",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            let (rows, _) = try MLInput.dimensions(context)
            let targets = try context.node.int("targets", default: 1)
            guard targets >= 1 else {
                throw OperatorError("targets is \(targets), expected 1 or more")
            }
            context.setOutput(elementType: .fp32, dimensions: [rows, .fixed(targets)])
        },
        kernel: { (context) throws(OperatorError) in
            let input = try MLInput(context)
            let targets = try context.node.int("targets", default: 1)
            let (packed, intercepts) = try pack(
                context,
                targetCount: targets,
                featureCount: input.featureCount
            )
            let transform = try ScoreTransform(context.node)
            return Kernel(scratchByteCount: input.scratchByteCount) {
                (frame) throws(OperatorError) in
                unsafe try score(
                    input,
                    packed,
                    intercepts,
                    into: frame.output(0, as: Float.self),
                    columnCount: targets,
                    frame
                )
                var scores = frame.mutableElements(ofOutput: 0, as: Float.self)
                for row in 0..<input.rowCount {
                    transform.apply(&scores, (row * targets)..<((row + 1) * targets))
                }
            }
        }
    )

    // MARK: Classifier

    private static let classifier = OperatorDeclaration(
        "LinearClassifier",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        outputs: 1...2,
        shape: { (context) throws(OperatorError) in
            let (rows, _) = try MLInput.dimensions(context)
            let labels = try ClassLabels(context.node, integers: "classlabels_ints")
            let targets = try targetCount(context.node, labels)
            context.setOutput(0, elementType: labels.elementType, dimensions: [rows])
            context.setOutput(
                1,
                elementType: .fp32,
                dimensions: [rows, .fixed(max(targets, labels.count))]
            )
        },
        kernel: { (context) throws(OperatorError) in try classify(context) },
        evaluation: ClassLabels.evaluation(integers: "classlabels_ints")
    )

    /// How many rows of coefficients there are: one per class, or one for two classes.
    private static func targetCount(
        _ node: Node,
        _ labels: ClassLabels
    ) throws(OperatorError) -> Int {
        let intercepts = try node.floats("intercepts") ?? []
        let targets = intercepts.isEmpty ? labels.count : intercepts.count
        guard targets == labels.count || (targets == 1 && labels.count == 2) else {
            throw OperatorError("\(targets) intercepts are given for \(labels.count) classes")
        }
        return targets
    }

    private static func classify(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let input = try MLInput(context)
        let labels = try ClassLabels(context.node, integers: "classlabels_ints")
        let targets = try targetCount(context.node, labels)
        let columns = max(targets, labels.count)
        let (packed, intercepts) = try pack(
            context,
            targetCount: targets,
            featureCount: input.featureCount
        )
        let transform = try ScoreTransform(context.node)
        let hasLabels = context.hasOutput(0)
        let scoreOutput = context.hasOutput(1) ? 1 : nil
        let scoreByteCount = input.rowCount * columns * MemoryLayout<Float>.stride
        return Kernel(scratchByteCount: input.scratchByteCount + scoreByteCount) {
            (frame) throws(OperatorError) in
            guard let scratch = unsafe frame.scratch.baseAddress else { return }
            let table =
                unsafe scoreOutput.map { unsafe frame.output($0, as: Float.self) }
                ?? (scratch + input.scratchByteCount).assumingMemoryBound(to: Float.self)
            unsafe try score(
                input,
                packed,
                intercepts,
                into: table,
                columnCount: columns,
                frame
            )
            // SAFETY: either memory has `columns` scores per row.
            var scores = unsafe MutableSpan<Float>(
                _unsafeStart: table,
                count: input.rowCount * columns
            )
            for row in 0..<input.rowCount {
                let range = (row * columns)..<((row + 1) * columns)
                let chosen: Int
                if targets < columns {
                    // One score stands for two classes.
                    let value = scores[range.lowerBound]
                    chosen = value > 0 ? 1 : 0
                    let isLogistic = if case .logistic = transform { true } else { false }
                    let second = isLogistic ? ScoreTransform.logistic(value) : value
                    scores[range.lowerBound] = 1 - second
                    scores[range.lowerBound + 1] = second
                } else {
                    var best = range.lowerBound
                    for index in range where scores[index] > scores[best] { best = index }
                    chosen = best - range.lowerBound
                    transform.apply(&scores, range)
                }
                if hasLabels {
                    var output = frame.mutableElements(ofOutput: 0, as: Int64.self)
                    output[row] = labels[chosen]
                }
            }
        }
    }
}
