import Testing

@testable import TernRuntime

/// Trees that are walked several at a time, against trees that are walked one by one.
@Suite struct TreeTableTests {
    /// Trees of random form, with one to three votes at each leaf.
    private func forest(
        _ treeCount: Int,
        modes: [TreeEnsemble.Mode],
        using generator: inout some RandomNumberGenerator
    ) -> TreeEnsemble {
        var trees = TreeEnsemble()
        trees.featureCount = 5
        for _ in 0..<treeCount {
            trees.roots.append(trees.nodes.count)
            grow(&trees, depth: Int.random(in: 0...7, using: &generator), modes, &generator)
        }
        // Votes in the order of their leaves.
        for index in trees.nodes.indices where trees.nodes[index].mode == .leaf {
            trees.nodes[index].first = Int32(trees.votes.count)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                trees.votes.append(.init(target: index % 4, weight: Float(trees.votes.count)))
            }
            trees.nodes[index].second = Int32(trees.votes.count)
        }
        return trees
    }

    private func grow(
        _ trees: inout TreeEnsemble,
        depth: Int,
        _ modes: [TreeEnsemble.Mode],
        _ generator: inout some RandomNumberGenerator
    ) {
        let index = trees.nodes.count
        let isLeaf = depth == 0 || Int.random(in: 0..<6, using: &generator) == 0
        trees.nodes.append(
            .init(
                mode: isLeaf ? .leaf : modes[Int.random(in: 0..<modes.count, using: &generator)],
                missingGoesFirst: Bool.random(using: &generator),
                feature: Int32.random(in: 0..<5, using: &generator),
                value: Float(Int.random(in: -3...3, using: &generator)),
                first: 0,
                second: 0
            )
        )
        if isLeaf { return }
        trees.nodes[index].first = Int32(trees.nodes.count)
        grow(&trees, depth: depth - 1, modes, &generator)
        trees.nodes[index].second = Int32(trees.nodes.count)
        grow(&trees, depth: depth - 1, modes, &generator)
    }

    @Test func `every tree's votes come, in order, whatever the features are`() throws {
        var generator = SystemRandomNumberGenerator()
        let values: [Float] = [-4, -3, -1, -0.0, 0, 0.5, 1, 3, .infinity, -.infinity, .nan]
        for treeCount in [0, 1, 7, 8, 9, 16, 21] {
            let trees = forest(treeCount, modes: [.lessOrEqual, .less], using: &generator)
            let table = try #require(TreeTable(trees))
            for _ in 0..<50 {
                let row = (0..<5).map { _ in
                    values[Int.random(in: 0..<values.count, using: &generator)]
                }
                var found: [Float] = []
                var expected: [Float] = []
                // SAFETY: the row has as many features as the trees look at.
                unsafe row.withUnsafeBufferPointer { row in
                    guard let row = row.baseAddress else { return }
                    let scratch = UnsafeMutablePointer<Float>.allocate(
                        capacity: table.rowByteCount / 4
                    )
                    defer { unsafe scratch.deallocate() }
                    unsafe table.forEachVote(row, scratch) { found.append($0.weight) }
                    for root in trees.roots {
                        for vote in unsafe trees.leaf(root, row) {
                            expected.append(trees.votes[vote].weight)
                        }
                    }
                }
                #expect(found == expected)
            }
        }
    }

    @Test(arguments: [TreeEnsemble.Mode.greater, .greaterOrEqual, .equal, .notEqual])
    func `comparisons of another kind are left to the plain walk`(_ mode: TreeEnsemble.Mode) {
        var trees = TreeEnsemble()
        trees.featureCount = 1
        trees.roots = [0]
        for (mode, child) in [(mode, Int32(1)), (.leaf, 0), (.leaf, 0)] {
            trees.nodes.append(
                .init(
                    mode: mode,
                    missingGoesFirst: false,
                    feature: 0,
                    value: 0,
                    first: child,
                    second: child * 2
                )
            )
        }
        #expect(TreeTable(trees) == nil)
        trees.nodes[0].mode = .lessOrEqual
        #expect(TreeTable(trees) != nil)
        trees.featureCount = 0
        #expect(TreeTable(trees) == nil)
    }
}
