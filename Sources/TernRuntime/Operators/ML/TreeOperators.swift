import TernGraph
import TernKernels
import TernTensor

/// Ensembles of decision trees.
enum TreeOperators {
    static let all = [classifier, regressor, ensemble]

    /// How the votes of the trees come together.
    enum Aggregate: Sendable { case sum, average, minimum, maximum }

    // MARK: Regressor

    private static let regressor = OperatorDeclaration(
        "TreeEnsembleRegressor",
        domain: MLInput.domain,
        versions: [1, 3, 5],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            let (rows, _) = try MLInput.dimensions(context)
            let targets = try context.node.int("n_targets", default: 1)
            guard targets >= 1, targets <= 1 << 24 else {
                throw OperatorError("n_targets is \(targets), expected 1 or more")
            }
            context.setOutput(elementType: .fp32, dimensions: [rows, .fixed(targets)])
        },
        kernel: { (context) throws(OperatorError) in
            let targets = try context.node.int("n_targets", default: 1)
            let name = try context.node.string("aggregate_function", default: "SUM")
            let aggregates: [String: Aggregate] = [
                "SUM": .sum, "AVERAGE": .average, "MIN": .minimum, "MAX": .maximum,
            ]
            guard let aggregate = aggregates[name] else {
                throw OperatorError(
                    "aggregate_function is \"\(name)\", expected SUM, AVERAGE, MIN or MAX"
                )
            }
            let forest = try Forest(context, votePrefix: "target", targetCount: targets)
            return Kernel(scratchByteCount: forest.scratchByteCount) {
                (frame) throws(OperatorError) in
                let scratch = unsafe forest.rowMemory(frame)
                var scores = frame.mutableElements(ofOutput: 0, as: Float.self)
                let features = unsafe try forest.input.floats(frame)
                for row in 0..<forest.input.rowCount {
                    unsafe forest.score(
                        features + row * forest.input.featureCount,
                        scratch,
                        &scores,
                        from: row * targets,
                        aggregate
                    )
                }
            }
        }
    )

    /// Trees with what goes around them.
    struct Forest: Sendable {
        let input: MLInput
        let trees: TreeEnsemble
        /// The same trees for walking fast, if they are of that kind.
        private let table: TreeTable?
        let targetCount: Int
        let base: [Float]
        let transform: ScoreTransform

        init(
            _ context: NodeContext,
            votePrefix: String,
            targetCount: Int
        ) throws(OperatorError) {
            input = try MLInput(context)
            self.targetCount = targetCount
            let node = context.node
            trees = try context.preparedFromAttributes(variant: "trees") {
                () throws(OperatorError) in
                try TreeEnsemble(node, votePrefix: votePrefix, targetCount: targetCount)
            }
            table = try Self.table(context, trees)
            guard trees.featureCount <= input.featureCount else {
                throw OperatorError(
                    "the trees look at \(trees.featureCount) features, the input has "
                        + "\(input.featureCount)"
                )
            }
            let given = try node.numbers("base_values")
            guard given.isEmpty || given.count == targetCount || given.count == 1 else {
                throw OperatorError(
                    "there are \(given.count) base values for \(targetCount) targets"
                )
            }
            base =
                given.isEmpty
                ? Array(repeating: 0, count: targetCount)
                : given.count == targetCount
                    ? given
                    : given + Array(repeating: 0, count: targetCount - 1)
            transform = try ScoreTransform(node)
        }

        /// Trees that were read already, without base values.
        init(
            _ context: NodeContext,
            trees: TreeEnsemble,
            targetCount: Int,
            transform: ScoreTransform
        ) throws(OperatorError) {
            input = try MLInput(context)
            self.trees = trees
            self.targetCount = targetCount
            self.transform = transform
            base = Array(repeating: 0, count: targetCount)
            table = try Self.table(context, trees)
            guard trees.featureCount <= input.featureCount else {
                throw OperatorError(
                    "the trees look at \(trees.featureCount) features, the input has "
                        + "\(input.featureCount)"
                )
            }
        }

        private static func table(
            _ context: NodeContext,
            _ trees: TreeEnsemble
        ) throws(OperatorError) -> TreeTable? {
            try context.preparedFromAttributes(variant: "tree table") { () throws(OperatorError) in
                TreeTable(trees)
            }
        }

        /// How much scratch memory it needs: for converted features, and for one row.
        var scratchByteCount: Int {
            input.scratchByteCount + ((table?.rowByteCount ?? 0) + 63) & ~63
        }

        /// The scratch memory for one row.
        @unsafe func rowMemory(
            _ frame: borrowing KernelFrame
        ) -> UnsafeMutablePointer<Float>? {
            unsafe frame.scratch.baseAddress.map {
                unsafe ($0 + input.scratchByteCount).assumingMemoryBound(to: Float.self)
            }
        }

        /// Calls `body` with all votes for a row; the order is the file's.
        @unsafe @inline(__always)
        private func forEachVote(
            _ row: UnsafePointer<Float>,
            _ scratch: UnsafeMutablePointer<Float>?,
            _ body: (TreeEnsemble.Vote) -> Void
        ) {
            if let table, let scratch = unsafe scratch {
                unsafe table.forEachVote(row, scratch, body)
                return
            }
            for root in trees.roots {
                for index in unsafe trees.leaf(root, row) { body(trees.votes[index]) }
            }
        }

        /// Lets all trees vote on one row; the order is the file's.
        @unsafe func score(
            _ row: UnsafePointer<Float>,
            _ scratch: UnsafeMutablePointer<Float>?,
            _ scores: inout MutableSpan<Float>,
            from start: Int,
            _ aggregate: Aggregate
        ) {
            let empty: Float =
                switch aggregate {
                case .sum, .average: 0
                case .minimum: .infinity
                case .maximum: -.infinity
                }
            for target in 0..<targetCount { scores[start + target] = empty }
            if let table, table.hasWeights, targetCount == 1, let scratch = unsafe scratch,
                aggregate == .sum || aggregate == .average
            {
                scores[start] = unsafe table.sum(row, scratch)
                return finish(&scores, from: start, aggregate, empty: 0)
            }
            switch aggregate {
            case .sum, .average:
                unsafe forEachVote(row, scratch) { scores[start + $0.target] += $0.weight }
            case .minimum:
                unsafe forEachVote(row, scratch) { vote in
                    let place = start + vote.target
                    scores[place] = min(scores[place], vote.weight)
                }
            case .maximum:
                unsafe forEachVote(row, scratch) { vote in
                    let place = start + vote.target
                    scores[place] = max(scores[place], vote.weight)
                }
            }
            finish(&scores, from: start, aggregate, empty: empty)
        }

        /// What comes after the votes of one row.
        private func finish(
            _ scores: inout MutableSpan<Float>,
            from start: Int,
            _ aggregate: Aggregate,
            empty: Float
        ) {
            for target in 0..<targetCount {
                let place = start + target
                if case .average = aggregate { scores[place] /= Float(trees.roots.count) }
                if scores[place].isInfinite, scores[place] == empty { scores[place] = 0 }
                scores[place] += base[target]
            }
            transform.apply(&scores, start..<(start + targetCount))
        }

        /// The scores before the transform.
        @unsafe func rawScore(
            _ row: UnsafePointer<Float>,
            _ scratch: UnsafeMutablePointer<Float>?,
            _ scores: inout MutableSpan<Float>,
            from start: Int
        ) {
            for target in 0..<targetCount { scores[start + target] = base[target] }
            unsafe forEachVote(row, scratch) { scores[start + $0.target] += $0.weight }
        }

        /// Whether all votes are for one target, which then stands for two classes.
        var votesForOne: Bool { Set(trees.votes.map(\.target)).count == 1 }

        /// Whether no vote is against.
        var votesArePositive: Bool { trees.votes.allSatisfy { $0.weight >= 0 } }
    }

    // MARK: Classifier

    private static let classifier = OperatorDeclaration(
        "TreeEnsembleClassifier",
        domain: MLInput.domain,
        versions: [1, 3, 5],
        inputs: 1...1,
        outputs: 1...2,
        shape: { (context) throws(OperatorError) in
            let (rows, _) = try MLInput.dimensions(context)
            let labels = try ClassLabels(context.node, integers: "classlabels_int64s")
            context.setOutput(0, elementType: labels.elementType, dimensions: [rows])
            context.setOutput(1, elementType: .fp32, dimensions: [rows, .fixed(labels.count)])
        },
        kernel: { (context) throws(OperatorError) in try classify(context) },
        evaluation: ClassLabels.evaluation(integers: "classlabels_int64s")
    )

    private static func classify(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let labels = try ClassLabels(context.node, integers: "classlabels_int64s")
        let count = labels.count
        let forest = try Forest(context, votePrefix: "class", targetCount: count)
        let isBinary = count == 2 && forest.votesForOne
        let voted = forest.trees.votes.first?.target ?? 0
        let isPositive = forest.votesArePositive
        let hasLabels = context.hasOutput(0)
        let hasScores = context.hasOutput(1)
        let tableOffset = forest.scratchByteCount
        return Kernel(
            scratchByteCount: tableOffset + count * MemoryLayout<Float>.stride
        ) { (frame) throws(OperatorError) in
            guard let scratch = unsafe frame.scratch.baseAddress else { return }
            let features = unsafe try forest.input.floats(frame)
            let rowMemory = unsafe forest.rowMemory(frame)
            // SAFETY: the scratch memory has a float per class behind what the forest needs.
            var scores = unsafe MutableSpan<Float>(
                _unsafeStart: (scratch + tableOffset).assumingMemoryBound(to: Float.self),
                count: count
            )
            for row in 0..<forest.input.rowCount {
                unsafe forest.rawScore(
                    features + row * forest.input.featureCount,
                    rowMemory,
                    &scores,
                    from: 0
                )
                var chosen = 0
                if isBinary {
                    let value = scores[voted]
                    chosen = value > (isPositive ? 0.5 : 0) ? 1 : 0
                    if case .logistic = forest.transform {
                        scores[1] = ScoreTransform.logistic(value)
                        scores[0] = ScoreTransform.logistic(-value)
                    } else {
                        scores[1] = value
                        scores[0] = isPositive ? 1 - value : -value
                        if case .none = forest.transform {
                        } else {
                            forest.transform.apply(&scores, 0..<2)
                        }
                    }
                } else {
                    for index in 1..<max(count, 1) where scores[index] > scores[chosen] {
                        chosen = index
                    }
                    forest.transform.apply(&scores, 0..<count)
                }
                if hasLabels {
                    var output = frame.mutableElements(ofOutput: 0, as: Int64.self)
                    output[row] = labels[chosen]
                }
                if hasScores {
                    var output = frame.mutableElements(ofOutput: 1, as: Float.self)
                    for index in 0..<count { output[row * count + index] = scores[index] }
                }
            }
        }
    }
}
