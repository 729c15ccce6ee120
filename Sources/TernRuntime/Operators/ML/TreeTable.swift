/// The trees of an ensemble laid out for walking several at once.
///
/// A walk waits for memory and for comparisons at every step, and a processor's guess which way it
/// goes is often wrong. Here a step has no branch, and eight trees take theirs in turns, so that the
/// waits overlap. A node is eight bytes, and the two it leads to lie side by side: the second is taken
/// by adding what the comparison gives. A leaf leads to itself; a group is done when no tree of it moves
/// any more.
///
/// Rows with a NaN, whose way each node may choose for itself, are walked tree by tree.
///
/// Immutable; the memory is the object's own.
@safe final class TreeTable: @unchecked Sendable {
    // SAFETY: of "@unchecked Sendable": nothing is written after the initializer.

    /// One node: `x <= value` leads to the child, anything else to the node after it.
    private struct Step {
        var value: Float
        /// The feature above ``featureShift``, the child below.
        var feature: UInt32
    }

    /// Trees that are walked together.
    private static let groupSize = 8
    /// Steps from one look whether the group is done to the next.
    private static let stepCount = 3

    private let trees: TreeEnsemble
    @unsafe private let steps: UnsafeMutablePointer<Step>
    /// Where the votes of each node begin and end.
    @unsafe private let votes: UnsafeMutablePointer<SIMD2<Int32>>
    @unsafe private let weights: UnsafeMutablePointer<TreeEnsemble.Vote>
    @unsafe private let roots: UnsafeMutablePointer<UInt32>
    private let rootCount: Int
    private let featureShift: UInt32
    private let childMask: UInt32

    /// Lays trees out; `nil` if a node asks for more than `<=` and `<` can tell, if there is no
    /// feature to look at, or if features and nodes are too many for a node's bits.
    init?(_ trees: TreeEnsemble) {
        guard trees.featureCount > 0, trees.votes.count < Int(Int32.max),
            trees.nodes.count < Int(Int32.max) / 2
        else { return nil }
        let featureBits = max(1, Int.bitWidth - (trees.featureCount - 1).leadingZeroBitCount)
        let shift = UInt32(32 - featureBits)
        var table: [Step] = []
        var ranges: [SIMD2<Int32>] = []
        var starts: [UInt32] = []
        // The nodes in the order of their places.
        var nodes = trees.roots
        for root in trees.roots.indices { starts.append(UInt32(root)) }
        var place = 0
        while place < nodes.count {
            let node = trees.nodes[nodes[place]]
            var step = Step(value: node.value, feature: UInt32(node.feature) << shift)
            switch node.mode {
            case .lessOrEqual: break
            case .less:
                // The largest number below; there is none below -∞, and none need be told from ∞.
                guard node.value.isFinite else { return nil }
                step.value = node.value.nextDown
            case .leaf: step = Step(value: .infinity, feature: UInt32(truncatingIfNeeded: place))
            case .greaterOrEqual, .greater, .equal, .notEqual, .member: return nil
            }
            if node.mode == .leaf {
                ranges.append(SIMD2(node.first, node.second))
            } else {
                ranges.append(.zero)
                step.feature |= UInt32(truncatingIfNeeded: nodes.count)
                nodes.append(Int(node.first))
                nodes.append(Int(node.second))
            }
            guard nodes.count < 1 << Int(shift) else { return nil }
            table.append(step)
            place += 1
        }
        self.trees = trees
        rootCount = starts.count
        featureShift = shift
        childMask = 1 << shift - 1
        unsafe steps = Self.copy(table)
        unsafe votes = Self.copy(ranges)
        unsafe weights = Self.copy(trees.votes)
        unsafe roots = Self.copy(starts)
    }

    deinit {
        unsafe steps.deallocate()
        unsafe votes.deallocate()
        unsafe weights.deallocate()
        unsafe roots.deallocate()
    }

    @unsafe private static func copy<Element: BitwiseCopyable>(
        _ values: [Element]
    ) -> UnsafeMutablePointer<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(values.count, 1))
        for (index, value) in values.enumerated() { unsafe memory[index] = value }
        return unsafe memory
    }

    /// Calls `body` with the votes of the leaves where a row ends up, tree after tree.
    ///
    /// - Parameters:
    ///   - row: As many features as the trees look at.
    ///   - body: Takes a vote.
    @unsafe @inline(__always)
    func forEachVote(_ row: UnsafePointer<Float>, _ body: (TreeEnsemble.Vote) -> Void) {
        guard unsafe !hasNaN(row) else {
            for root in trees.roots {
                for index in unsafe trees.leaf(root, row) { body(trees.votes[index]) }
            }
            return
        }
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
            for lane in 0..<count {
                let range = unsafe votes[Int(at[unchecked: lane])]
                var vote = Int(range.x)
                while vote < Int(range.y) {
                    unsafe body(weights[vote])
                    vote &+= 1
                }
            }
            root += count
        }
    }

    @unsafe @inline(__always)
    private func next(_ index: UInt32, _ row: UnsafePointer<Float>) -> UInt32 {
        let step = unsafe steps[Int(index)]
        let x = unsafe row[Int(step.feature &>> featureShift)]
        let child = step.feature & childMask
        // Added, without a jump.
        return child &+ (x <= step.value ? 0 : 1)
    }

    @unsafe @inline(__always)
    private func hasNaN(_ row: UnsafePointer<Float>) -> Bool {
        var count: UInt32 = 0
        for feature in 0..<trees.featureCount {
            let bits = unsafe row[feature].bitPattern
            count |= bits & 0x7FFF_FFFF > 0x7F80_0000 ? 1 : 0
        }
        return count != 0
    }
}
