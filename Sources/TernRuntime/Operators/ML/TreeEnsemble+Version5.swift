import TernGraph
import TernKernels
import TernTensor

extension Node {
    /// The numbers of an attribute, given as floats or, with `_as_tensor`, as a tensor; 64-bit ones
    /// are rounded to 32 bits.
    func numbers(_ name: String) throws(OperatorError) -> [Float] {
        guard let tensor = try tensor("\(name)_as_tensor") else { return try floats(name) ?? [] }
        return try Self.numbers(tensor, "\(name)_as_tensor")
    }

    /// The numbers of an attribute that is a tensor of floats.
    func numbers(ofTensor name: String) throws(OperatorError) -> [Float]? {
        guard let tensor = try tensor(name) else { return nil }
        return try Self.numbers(tensor, name)
    }

    private static func numbers(
        _ tensor: Tensor,
        _ name: String
    ) throws(OperatorError) -> [Float] {
        switch tensor.elementType {
        case .fp32: return tensor.elements(as: Float.self)
        case .fp64: return tensor.elements(as: Double.self).map { Float($0) }
        case let type: throw OperatorError("\(name) is \(type), expected FP32 or FP64")
        }
    }
}

extension TreeEnsemble {
    /// Reads the attributes of TreeEnsemble, version 5: branches and leaves are numbered apart, and
    /// leaves may be shared.
    ///
    /// What a file says is checked as for the older operators: a branch is reached from one place
    /// only, and a root from none, so that a walk always ends at a leaf.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - targetCount: How many targets there are.
    /// - Throws: ``OperatorError`` if the attributes contradict each other.
    init(version5 node: TernGraph.Node, targetCount: Int) throws(OperatorError) {
        self.init()
        let features = try node.ints("nodes_featureids") ?? []
        let count = features.count
        let modes = try node.tensor("nodes_modes")?.integerElements ?? []
        let splits = try node.numbers(ofTensor: "nodes_splits") ?? []
        let missing = try node.ints("nodes_missing_value_tracks_true") ?? []
        let children = [
            try node.ints("nodes_truenodeids") ?? [], try node.ints("nodes_falsenodeids") ?? [],
        ]
        let areLeaves = [
            try node.ints("nodes_trueleafs") ?? [], try node.ints("nodes_falseleafs") ?? [],
        ]
        let targets = try node.ints("leaf_targetids") ?? []
        let weights = try node.numbers(ofTensor: "leaf_weights") ?? []
        guard count > 0, count + targets.count < Int(Int32.max), modes.count == count,
            splits.count == count, missing.isEmpty || missing.count == count,
            (children + areLeaves).allSatisfy({ $0.count == count })
        else {
            throw OperatorError(
                "the attributes of \(count) branches differ in length: \(modes.count) modes, "
                    + "\(splits.count) splits, \(missing.count) for missing values, and "
                    + (children + areLeaves).map { "\($0.count)" }.joined(separator: ", ")
                    + " for what follows"
            )
        }
        guard targets.count == weights.count else {
            throw OperatorError("\(targets.count) targets of leaves, \(weights.count) weights")
        }
        for target in targets where target < 0 || target >= targetCount {
            throw OperatorError("a leaf votes for \(target), expected 0 to \(targetCount - 1)")
        }
        sets = try Self.sets(node, count: modes.count { $0 == 6 })
        var parents = Array(repeating: 0, count: count)
        var memberCount = 0
        for index in 0..<count {
            guard modes[index] >= 0, modes[index] <= 6,
                let mode = Mode(rawValue: UInt8(modes[index]))
            else { throw OperatorError("a branch has the mode \(modes[index]), expected 0 to 6") }
            guard features[index] >= 0, features[index] < 1 << 24 else {
                throw OperatorError("a branch looks at feature \(features[index])")
            }
            featureCount = max(featureCount, features[index] + 1)
            var entry = Node(
                mode: mode,
                missingGoesFirst: missing.isEmpty ? false : missing[index] != 0,
                feature: Int32(features[index]),
                value: splits[index],
                first: 0,
                second: 0
            )
            if mode == .member {
                entry.value = Float(memberCount)
                memberCount += 1
            }
            for side in 0..<2 {
                let child = children[side][index]
                let isLeaf = areLeaves[side][index] != 0
                guard child >= 0, child < (isLeaf ? targets.count : count) else {
                    throw OperatorError(
                        "branch \(index) goes on to \(isLeaf ? "leaf" : "branch") \(child), which "
                            + "is not there"
                    )
                }
                if !isLeaf { parents[child] += 1 }
                let place = Int32(isLeaf ? count + child : child)
                if side == 0 { entry.first = place } else { entry.second = place }
            }
            nodes.append(entry)
        }
        roots = try node.ints("tree_roots") ?? []
        for root in roots {
            guard root >= 0, root < count, parents[root] == 0 else {
                throw OperatorError("a tree begins at branch \(root), which is no beginning")
            }
        }
        if let shared = parents.firstIndex(where: { $0 > 1 }) {
            throw OperatorError("branch \(shared) has two parents")
        }
        for (index, target) in targets.enumerated() {
            nodes.append(
                Node(
                    mode: .leaf,
                    missingGoesFirst: false,
                    feature: 0,
                    value: 0,
                    first: Int32(index),
                    second: Int32(index + 1)
                )
            )
            votes.append(Vote(target: target, weight: weights[index]))
        }
    }

    /// The sets of the branches that ask for membership, which NaNs set apart.
    private static func sets(
        _ node: TernGraph.Node,
        count: Int
    ) throws(OperatorError) -> [[Float]] {
        let values = try node.numbers(ofTensor: "membership_values") ?? []
        var sets: [[Float]] = [[]]
        for value in values {
            if value.isNaN { sets.append([]) } else { sets[sets.count - 1].append(value) }
        }
        // The last set may end with a NaN as well.
        if sets.last?.isEmpty == true { sets.removeLast() }
        guard sets.count == count, count < 1 << 24 else {
            throw OperatorError("there are \(sets.count) sets of members for \(count) branches")
        }
        return sets
    }
}

extension TreeOperators {
    /// TreeEnsemble: any trees, whose votes are added up or compared.
    static let ensemble = OperatorDeclaration(
        "TreeEnsemble",
        domain: MLInput.domain,
        versions: [5],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            let (rows, _) = try MLInput.dimensions(context)
            let targets = try context.node.int("n_targets", default: 1)
            guard targets >= 1, targets <= 1 << 24 else {
                throw OperatorError("n_targets is \(targets), expected 1 or more")
            }
            context.setOutput(
                elementType: context.elementType(0) == .fp64 ? .fp64 : .fp32,
                dimensions: [rows, .fixed(targets)]
            )
        },
        kernel: { (context) throws(OperatorError) in try ensembleKernel(context) }
    )

    private static func ensembleKernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let node = context.node
        let targets = try node.int("n_targets", default: 1)
        let aggregates: [Aggregate] = [.average, .sum, .minimum, .maximum]
        let transforms: [ScoreTransform] = [.none, .softmax, .logistic, .softmaxZero, .probit]
        let aggregate = try node.int("aggregate_function", default: 1)
        let transform = try node.int("post_transform", default: 0)
        guard aggregates.indices.contains(aggregate), transforms.indices.contains(transform) else {
            throw OperatorError(
                "aggregate_function is \(aggregate), expected 0 to 3, and post_transform "
                    + "\(transform), expected 0 to 4"
            )
        }
        let trees = try context.preparedFromAttributes(variant: "trees") {
            () throws(OperatorError) in
            try TreeEnsemble(version5: node, targetCount: targets)
        }
        let forest = try Forest(
            context,
            trees: trees,
            targetCount: targets,
            transform: transforms[transform]
        )
        let isDouble = try context.output().elementType == .fp64
        let (rows, columns) = (forest.input.rowCount, forest.input.featureCount)
        let features = forest.scratchByteCount
        let count = rows * targets
        let chosen = aggregates[aggregate]
        return Kernel(
            scratchByteCount: features + (isDouble ? count * MemoryLayout<Float>.stride : 0)
        ) { (frame) throws(OperatorError) in
            guard let base = unsafe frame.scratch.baseAddress else { return }
            let input = unsafe try forest.input.floats(frame)
            let scratch = unsafe forest.rowMemory(frame)
            // SAFETY: either memory has a float per row and target.
            var scores = unsafe MutableSpan<Float>(
                _unsafeStart: isDouble
                    ? (base + features).assumingMemoryBound(to: Float.self)
                    : frame.output(0, as: Float.self),
                count: count
            )
            for row in 0..<rows {
                unsafe forest.score(
                    input + row * columns,
                    scratch,
                    &scores,
                    from: row * targets,
                    chosen
                )
            }
            guard isDouble else { return }
            var output = frame.mutableElements(ofOutput: 0, as: Double.self)
            for index in 0..<count { output[index] = Double(scores[index]) }
        }
    }
}
