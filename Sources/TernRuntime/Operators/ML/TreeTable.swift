/// The trees of an ensemble laid out for walking several at once.
///
/// A walk waits for memory and for comparisons at every step, and a processor's guess which way it
/// goes is often wrong. Here a step has no branch, and eight trees take theirs in turns, so that the
/// waits overlap. A leaf leads to itself; a group is done when no tree of it moves any more.
///
/// Immutable; the memory is the object's own.
@safe final class TreeTable: @unchecked Sendable {
    // SAFETY: of "@unchecked Sendable": nothing is written after the initializer.

    /// One node: `x <= value` leads to `first`, anything else to `second`.
    private struct Step {
        var value: Float
        /// The feature, negative minus one if NaN leads to `first`.
        var feature: Int32
        var first: Int32
        var second: Int32
    }

    /// Trees that are walked together.
    private static let groupSize = 8

    @unsafe private let steps: UnsafeMutablePointer<Step>
    /// The votes of node i are those from the i-th start to the next.
    @unsafe private let voteStarts: UnsafeMutablePointer<Int32>
    @unsafe private let votes: UnsafeMutablePointer<TreeEnsemble.Vote>
    @unsafe private let roots: UnsafeMutablePointer<Int32>
    private let rootCount: Int

    /// Lays trees out; `nil` if a node asks for more than `<=` and `<` can tell, or if there is no
    /// feature to look at.
    init?(_ trees: TreeEnsemble) {
        var table: [Step] = []
        table.reserveCapacity(trees.nodes.count)
        var starts: [Int32] = [0]
        guard trees.featureCount > 0, trees.votes.count < Int(Int32.max) else { return nil }
        for (index, node) in trees.nodes.enumerated() {
            var step = Step(
                value: node.value,
                feature: node.missingGoesFirst ? -1 - node.feature : node.feature,
                first: node.first,
                second: node.second
            )
            var next = starts[index]
            switch node.mode {
            case .lessOrEqual: break
            case .less:
                // The largest number below; there is none below -∞, and none need be told from ∞.
                guard node.value.isFinite else { return nil }
                step.value = node.value.nextDown
            case .leaf:
                // Votes are in the order of their leaves.
                guard node.first == next else { return nil }
                next = node.second
                step = Step(value: 0, feature: 0, first: Int32(index), second: Int32(index))
            case .greaterOrEqual, .greater, .equal, .notEqual, .member: return nil
            }
            table.append(step)
            starts.append(next)
        }
        rootCount = trees.roots.count
        unsafe steps = Self.copy(table)
        unsafe voteStarts = Self.copy(starts)
        unsafe votes = Self.copy(trees.votes)
        unsafe roots = Self.copy(trees.roots.map(Int32.init))
    }

    deinit {
        unsafe steps.deallocate()
        unsafe voteStarts.deallocate()
        unsafe votes.deallocate()
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
        var root = 0
        while root < rootCount {
            let count = min(Self.groupSize, rootCount - root)
            // SAFETY: roots and children are positions in `steps`, and features lie in the row, as
            // the ensemble checked when it was read; the last group repeats its last tree.
            var at = InlineArray<8, Int> { unsafe Int(roots[root + min($0, count - 1)]) }
            var moved = true
            while moved {
                var difference = 0
                for lane in 0..<Self.groupSize {
                    let here = unsafe at[unchecked: lane]
                    let next = unsafe self.next(here, row)
                    difference |= next ^ here
                    unsafe at[unchecked: lane] = next
                }
                moved = difference != 0
            }
            for lane in 0..<count {
                let leaf = unsafe at[unchecked: lane]
                let (start, end) = unsafe (Int(voteStarts[leaf]), Int(voteStarts[leaf + 1]))
                for vote in start..<end { unsafe body(votes[vote]) }
            }
            root += count
        }
    }

    @unsafe @inline(__always)
    private func next(_ index: Int, _ row: UnsafePointer<Float>) -> Int {
        let step = unsafe steps[index]
        let isMissingFirst = step.feature < 0
        let x = unsafe row[Int(isMissingFirst ? ~step.feature : step.feature)]
        // Both sides are computed and one is chosen, without a jump.
        let goesFirst = (x <= step.value) != ((x != x) && isMissingFirst)
        return Int(goesFirst ? step.first : step.second)
    }
}
