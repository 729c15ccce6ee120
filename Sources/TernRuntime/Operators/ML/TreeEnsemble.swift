import TernGraph

/// Decision trees laid out for walking: a node's children are positions in the same table.
///
/// Everything a file says about trees is checked when they are built: children exist, belong to the
/// same tree and are reached once, so that a walk always ends at a leaf.
struct TreeEnsemble: Sendable {
    /// How a node compares its feature with its value.
    enum Mode: UInt8, Sendable {
        case lessOrEqual, less, greaterOrEqual, greater, equal, notEqual, member, leaf

        init(_ name: [UInt8]) throws(OperatorError) {
            let text = String(decoding: name, as: UTF8.self)
            let modes: [String: Mode] = [
                "BRANCH_LEQ": .lessOrEqual, "BRANCH_LT": .less, "BRANCH_GTE": .greaterOrEqual,
                "BRANCH_GT": .greater, "BRANCH_EQ": .equal, "BRANCH_NEQ": .notEqual, "LEAF": .leaf,
            ]
            guard let mode = modes[text] else {
                throw OperatorError("a tree node is \"\(text)\", expected BRANCH_… or LEAF")
            }
            self = mode
        }
    }

    /// A branch, or a leaf whose votes are `first` ..< `second`.
    struct Node: Sendable {
        var mode: Mode
        var missingGoesFirst: Bool
        var feature: Int32
        var value: Float
        var first: Int32
        var second: Int32
    }

    /// What a leaf adds to a target.
    struct Vote: Sendable {
        var target: Int
        var weight: Float
    }

    /// The nodes of all trees.
    var nodes: [Node] = []
    /// The votes of all leaves.
    var votes: [Vote] = []
    /// Where each tree begins.
    var roots: [Int] = []
    /// The sets that nodes ask for membership in; such a node's value says which.
    var sets: [[Float]] = []
    /// The highest feature that is looked at, plus one.
    var featureCount = 0

    /// Starts with no tree.
    init() {}

    /// Where a row ends up in the tree with the given root: its votes.
    func leaf(_ root: Int, _ row: UnsafePointer<Float>) -> Range<Int> {
        var index = root
        while true {
            let node = nodes[index]
            if node.mode == .leaf { return Int(node.first)..<Int(node.second) }
            // SAFETY: the kernel checks that rows have `featureCount` features.
            let x = unsafe row[Int(node.feature)]
            let isFirst =
                switch node.mode {
                case .lessOrEqual: x <= node.value
                case .less: x < node.value
                case .greaterOrEqual: x >= node.value
                case .greater: x > node.value
                case .equal: x == node.value
                case .notEqual: x != node.value
                case .member: sets[Int(node.value)].contains(x)
                case .leaf: false
                }
            let goesFirst = isFirst || (node.missingGoesFirst && x.isNaN)
            index = Int(goesFirst ? node.first : node.second)
        }
    }

    /// Reads the attributes of TreeEnsembleClassifier (`votePrefix` is `class`) or
    /// TreeEnsembleRegressor (`target`).
    init(
        _ node: TernGraph.Node,
        votePrefix: String,
        targetCount: Int
    ) throws(OperatorError) {
        let nodeIDs = try node.ints("nodes_nodeids") ?? []
        let count = nodeIDs.count
        func ints(_ name: String) throws(OperatorError) -> [Int] {
            let values = try node.ints(name) ?? []
            guard values.count == count else {
                throw OperatorError("\(name) has \(values.count) entries, expected \(count)")
            }
            return values
        }
        let treeIDs = try ints("nodes_treeids")
        let features = try ints("nodes_featureids")
        let firstChildren = try ints("nodes_truenodeids")
        let secondChildren = try ints("nodes_falsenodeids")
        let values = try node.numbers("nodes_values")
        let names = try node.strings("nodes_modes") ?? []
        let missing = try node.ints("nodes_missing_value_tracks_true") ?? []
        guard values.count == count, names.count == count,
            missing.isEmpty || missing.count == count, count > 0, count < Int(Int32.max)
        else {
            throw OperatorError(
                "the trees have \(count) nodes, \(values.count) values, \(names.count) modes and "
                    + "\(missing.count) entries for missing values"
            )
        }
        var positions: [TreePosition: Int] = [:]
        positions.reserveCapacity(count)
        for index in 0..<count {
            let key = TreePosition(tree: treeIDs[index], node: nodeIDs[index])
            guard positions.updateValue(index, forKey: key) == nil else {
                throw OperatorError("tree \(key.tree) has node \(key.node) twice")
            }
        }
        var isChild = Array(repeating: false, count: count)
        nodes.reserveCapacity(count)
        for index in 0..<count {
            let mode = try Mode(names[index])
            var entry = Node(
                mode: mode,
                missingGoesFirst: missing.isEmpty ? false : missing[index] != 0,
                feature: 0,
                value: values[index],
                first: 0,
                second: 0
            )
            if mode != .leaf {
                guard features[index] >= 0, features[index] < 1 << 24 else {
                    throw OperatorError("a tree node looks at feature \(features[index])")
                }
                entry.feature = Int32(features[index])
                featureCount = max(featureCount, features[index] + 1)
                for (child, isFirst) in [
                    (firstChildren[index], true), (secondChildren[index], false),
                ] {
                    let key = TreePosition(tree: treeIDs[index], node: child)
                    guard let position = positions[key] else {
                        throw OperatorError("tree \(key.tree) has no node \(child)")
                    }
                    guard !isChild[position] else {
                        throw OperatorError("node \(child) of tree \(key.tree) has two parents")
                    }
                    isChild[position] = true
                    if isFirst {
                        entry.first = Int32(position)
                    } else {
                        entry.second = Int32(position)
                    }
                }
            }
            nodes.append(entry)
        }
        try findRoots(treeIDs, isChild)
        try addVotes(node, votePrefix, positions, targetCount: targetCount)
    }

    /// A node's place in the file's numbering.
    private struct TreePosition: Hashable {
        let tree: Int
        let node: Int
    }

    /// The nodes that are nobody's child: one per tree.
    ///
    /// What is reached from no root is a cycle.
    private mutating func findRoots(_ treeIDs: [Int], _ isChild: [Bool]) throws(OperatorError) {
        var seen = Set<Int>()
        for index in nodes.indices where !isChild[index] {
            guard seen.insert(treeIDs[index]).inserted else {
                throw OperatorError("tree \(treeIDs[index]) has two roots")
            }
            roots.append(index)
        }
        var reached = 0
        var open = roots
        while let index = open.popLast() {
            reached += 1
            guard nodes[index].mode != .leaf else { continue }
            open.append(Int(nodes[index].first))
            open.append(Int(nodes[index].second))
        }
        guard reached == nodes.count else {
            throw OperatorError("the nodes of a tree form a cycle")
        }
    }

    /// Gives each leaf its votes, in the file's order.
    private mutating func addVotes(
        _ node: TernGraph.Node,
        _ prefix: String,
        _ positions: [TreePosition: Int],
        targetCount: Int
    ) throws(OperatorError) {
        let trees = try node.ints("\(prefix)_treeids") ?? []
        let ids = try node.ints("\(prefix)_nodeids") ?? []
        let targets = try node.ints("\(prefix)_ids") ?? []
        let weights = try node.numbers("\(prefix)_weights")
        guard ids.count == trees.count, targets.count == trees.count, weights.count == trees.count
        else {
            throw OperatorError(
                "\(prefix) votes: \(trees.count) trees, \(ids.count) nodes, \(targets.count) ids and "
                    + "\(weights.count) weights, expected as many of each"
            )
        }
        var byLeaf: [(leaf: Int, vote: Vote)] = []
        byLeaf.reserveCapacity(trees.count)
        for index in trees.indices {
            guard let leaf = positions[TreePosition(tree: trees[index], node: ids[index])] else {
                throw OperatorError(
                    "tree \(trees[index]) has no node \(ids[index]) that could vote"
                )
            }
            guard targets[index] >= 0, targets[index] < targetCount else {
                throw OperatorError(
                    "a leaf votes for \(targets[index]), expected 0 to \(targetCount - 1)"
                )
            }
            byLeaf.append((leaf, Vote(target: targets[index], weight: weights[index])))
        }
        // The sort is stable: votes of a leaf stay in the file's order.
        byLeaf.sort { $0.leaf < $1.leaf }
        var next = 0
        for index in nodes.indices {
            let first = next
            while next < byLeaf.count, byLeaf[next].leaf == index { next += 1 }
            guard nodes[index].mode == .leaf else { continue }
            nodes[index].first = Int32(first)
            nodes[index].second = Int32(next)
        }
        votes = byLeaf.map(\.vote)
    }
}
