/// The trees of an ensemble laid out for walking several at once.
///
/// A walk waits for memory and for comparisons at every step, and a processor's guess which way it
/// goes is often wrong. Here a step has no branch, and eight trees take theirs in turns, so that the
/// waits overlap. A node is eight bytes, and the two it leads to lie side by side: the second is taken
/// by adding what the comparison gives. A line of the cache holds such a pair and the pairs it leads
/// to, so that two steps wait for memory once. A leaf leads to itself, for it looks at a feature that
/// every row has after its own, -∞; a group is done when no tree of it moves any more.
///
/// Rows with a NaN, whose way each node may choose for itself, are walked tree by tree.
///
/// Immutable; the memory is the object's own.
@safe final class TreeTable: @unchecked Sendable {
    // SAFETY: of "@unchecked Sendable": nothing is written after the initializer.

    /// One node: `x <= value` leads to the child, anything else to the node after it.
    fileprivate struct Step {
        /// What the feature is compared with; of a leaf, the weight of its only vote, or the bits of
        /// the number under which its votes are found.
        var value: Float
        /// The feature above ``featureShift``, the child below.
        var link: UInt32
    }

    /// Trees that are walked together.
    private static let groupSize = 8
    /// Steps from one look whether the group is done to the next.
    private static let stepCount = 3

    private let trees: TreeEnsemble
    @unsafe private let steps: UnsafeMutablePointer<Step>
    /// Where the votes of each leaf begin and end.
    @unsafe private let ranges: UnsafeMutablePointer<SIMD2<Int32>>
    @unsafe private let votes: UnsafeMutablePointer<TreeEnsemble.Vote>
    @unsafe private let roots: UnsafeMutablePointer<UInt32>
    private let rootCount: Int
    private let featureShift: UInt32
    private let childMask: UInt32
    /// Whether each leaf has one vote, for the first target.
    let hasWeights: Bool

    /// Lays trees out; `nil` if a node asks for more than `<=` and `<` can tell, if there is no
    /// feature to look at, or if features and nodes are too many for a node's bits.
    init?(_ trees: TreeEnsemble) {
        guard trees.featureCount > 0, trees.votes.count < Int(Int32.max) else { return nil }
        let leaves = trees.nodes.filter { $0.mode == .leaf }
        hasWeights = leaves.allSatisfy { leaf in
            leaf.second == leaf.first + 1 && trees.votes[Int(leaf.first)].target == 0
                && !trees.votes[Int(leaf.first)].weight.isNaN
        }
        let featureBits = Int.bitWidth - trees.featureCount.leadingZeroBitCount
        featureShift = UInt32(32 - featureBits)
        childMask = 1 << featureShift - 1
        var layout = TreeLayout(trees, featureShift: featureShift, hasWeights: hasWeights)
        guard layout.run() else { return nil }
        self.trees = trees
        unsafe ranges = Self.copy(layout.ranges)
        unsafe votes = Self.copy(trees.votes)
        rootCount = layout.roots.count
        unsafe steps = Self.copy(layout.steps)
        unsafe roots = Self.copy(layout.roots)
    }

    deinit {
        unsafe steps.deallocate()
        unsafe ranges.deallocate()
        unsafe votes.deallocate()
        unsafe roots.deallocate()
    }

    @unsafe private static func copy<Element: BitwiseCopyable>(
        _ values: [Element]
    ) -> UnsafeMutablePointer<Element> {
        let stride = MemoryLayout<Element>.stride
        let memory = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: max(values.count, 1) * stride,
            alignment: 64
        ).bindMemory(to: Element.self, capacity: max(values.count, 1))
        for (index, value) in values.enumerated() { unsafe memory[index] = value }
        return unsafe memory
    }

    /// How many bytes a row takes with what comes after it.
    var rowByteCount: Int { (trees.featureCount + 1) * MemoryLayout<Float>.stride }

    /// Calls `body` with the votes of the leaves where a row ends up, tree after tree.
    ///
    /// - Parameters:
    ///   - row: As many features as the trees look at.
    ///   - scratch: ``rowByteCount`` bytes for a copy of it.
    ///   - body: Takes a vote.
    @unsafe @inline(__always)
    func forEachVote(
        _ row: UnsafePointer<Float>,
        _ scratch: UnsafeMutablePointer<Float>,
        _ body: (TreeEnsemble.Vote) -> Void
    ) {
        unsafe forEachLeaf(row, scratch) { leaf in
            if hasWeights {
                body(.init(target: 0, weight: leaf))
            } else {
                // SAFETY: the bits of a leaf are the number of its range, and ranges lie in `votes`.
                let range = unsafe ranges[Int(leaf.bitPattern)]
                for vote in range.x..<range.y { unsafe body(votes[Int(vote)]) }
            }
        } otherwise: {
            body($0)
        }
    }

    /// The sum of all votes, if ``hasWeights``.
    @unsafe @inline(__always)
    func sum(_ row: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>) -> Float {
        var sum: Float = 0
        unsafe forEachLeaf(row, scratch) {
            sum += $0
        } otherwise: {
            sum += $0.weight
        }
        return sum
    }

    /// Calls `body` with the value of each leaf where a row ends up, or `otherwise` with its votes.
    @unsafe @inline(__always)
    private func forEachLeaf(
        _ row: UnsafePointer<Float>,
        _ scratch: UnsafeMutablePointer<Float>,
        _ body: (Float) -> Void,
        otherwise: (TreeEnsemble.Vote) -> Void
    ) {
        guard unsafe !copy(row, scratch) else {
            for root in trees.roots {
                for index in unsafe trees.leaf(root, row) { otherwise(trees.votes[index]) }
            }
            return
        }
        let row = unsafe UnsafePointer(scratch)
        var root = 0
        while root < rootCount {
            let count = min(Self.groupSize, rootCount - root)
            // SAFETY: roots and children are positions in `steps`, and features lie in the row, as
            // the ensemble checked when it was read; the last group repeats its last tree.
            var at = InlineArray<8, UInt32> { unsafe roots[root + min($0, count - 1)] }
            var moved = true
            while moved {
                for _ in 1..<Self.stepCount {
                    for lane in 0..<Self.groupSize {
                        unsafe at[unchecked: lane] = next(at[unchecked: lane], row)
                    }
                }
                var difference: UInt32 = 0
                for lane in 0..<Self.groupSize {
                    let here = unsafe at[unchecked: lane]
                    let next = unsafe self.next(here, row)
                    difference |= next ^ here
                    unsafe at[unchecked: lane] = next
                }
                moved = difference != 0
            }
            for lane in 0..<count { unsafe body(steps[Int(at[unchecked: lane])].value) }
            root += count
        }
    }

    @unsafe @inline(__always)
    private func next(_ index: UInt32, _ row: UnsafePointer<Float>) -> UInt32 {
        let step = unsafe steps[Int(index)]
        let x = unsafe row[Int(step.link &>> featureShift)]
        // Added, without a jump.
        return (step.link & childMask) &+ (x <= step.value ? 0 : 1)
    }

    /// Copies a row and puts -∞ after it; whether there is a NaN in it.
    @unsafe @inline(__always)
    private func copy(
        _ row: UnsafePointer<Float>,
        _ target: UnsafeMutablePointer<Float>
    ) -> Bool {
        var flags: UInt32 = 0
        for feature in 0..<trees.featureCount {
            let x = unsafe row[feature]
            flags |= x.bitPattern & 0x7FFF_FFFF > 0x7F80_0000 ? 1 : 0
            unsafe target[feature] = x
        }
        unsafe target[trees.featureCount] = -.infinity
        return flags != 0
    }
}

/// Gives the nodes of trees their places.
///
/// A block of eight places holds a root with two levels below it, or a pair of nodes with the pairs
/// they lead to.
private struct TreeLayout {
    private let trees: TreeEnsemble
    private let featureShift: UInt32
    private let hasWeights: Bool
    private(set) var steps: [TreeTable.Step] = []
    private(set) var ranges: [SIMD2<Int32>] = []
    private(set) var roots: [UInt32] = []
    /// Pairs that have no block yet, by their parents' places.
    private var open: [(parent: Int, first: Int, second: Int)] = []

    init(_ trees: TreeEnsemble, featureShift: UInt32, hasWeights: Bool) {
        self.trees = trees
        self.featureShift = featureShift
        self.hasWeights = hasWeights
    }

    /// Places everything; `false` if that cannot be.
    mutating func run() -> Bool {
        for root in trees.roots {
            let block = newBlock()
            roots.append(UInt32(truncatingIfNeeded: block))
            guard place(root, at: block) else { return false }
            guard placeChildren(of: root, from: block, at: block + 2) else { return false }
            let node = trees.nodes[root]
            guard node.mode != .leaf else { continue }
            guard placeChildren(of: Int(node.first), from: block + 2, at: block + 4),
                placeChildren(of: Int(node.second), from: block + 3, at: block + 6)
            else { return false }
            for place in block + 4..<block + 8 { leaveOpen(at: place) }
        }
        var next = 0
        while next < open.count {
            let (parent, first, second) = open[next]
            next += 1
            let block = newBlock()
            guard place(first, at: block), place(second, at: block + 1), link(parent, to: block),
                placeChildren(of: first, from: block, at: block + 2),
                placeChildren(of: second, from: block + 1, at: block + 4)
            else { return false }
            for place in block + 2..<block + 6 { leaveOpen(at: place) }
        }
        return true
    }

    /// Which node is at each place; -1 if none is.
    private var nodes: [Int] = []

    private mutating func newBlock() -> Int {
        let block = steps.count
        for _ in 0..<8 {
            steps.append(.init(value: 0, link: 0))
            nodes.append(-1)
        }
        return block
    }

    /// Puts a node at a place.
    private mutating func place(_ index: Int, at place: Int) -> Bool {
        let node = trees.nodes[index]
        var step = TreeTable.Step(value: node.value, link: UInt32(node.feature) << featureShift)
        switch node.mode {
        case .lessOrEqual: break
        case .less:
            // The largest number below; there is none below -∞, and none need be told from ∞.
            guard node.value.isFinite else { return false }
            step.value = node.value.nextDown
        case .leaf:
            step.link = UInt32(trees.featureCount) << featureShift
            if hasWeights {
                step.value = trees.votes[Int(node.first)].weight
            } else {
                // Bits of less than 2²⁴ are those of a number above -∞.
                guard ranges.count < 1 << 24 else { return false }
                step.value = Float(bitPattern: UInt32(ranges.count))
                ranges.append(SIMD2(node.first, node.second))
            }
        case .greaterOrEqual, .greater, .equal, .notEqual, .member: return false
        }
        steps[place] = step
        nodes[place] = index
        return node.mode != .leaf || link(place, to: place)
    }

    /// Lets a place lead to another.
    private mutating func link(_ place: Int, to child: Int) -> Bool {
        guard child < 1 << Int(featureShift) else { return false }
        steps[place].link |= UInt32(child)
        return true
    }

    /// Puts what a node leads to at two places; a leaf leads nowhere.
    private mutating func placeChildren(of index: Int, from parent: Int, at place: Int) -> Bool {
        let node = trees.nodes[index]
        guard node.mode != .leaf else { return true }
        return self.place(Int(node.first), at: place)
            && self.place(Int(node.second), at: place + 1) && link(parent, to: place)
    }

    /// Notes that what the node at a place leads to needs a block.
    private mutating func leaveOpen(at place: Int) {
        guard nodes[place] >= 0 else { return }
        let node = trees.nodes[nodes[place]]
        guard node.mode != .leaf else { return }
        open.append((place, Int(node.first), Int(node.second)))
    }
}
