// The plans of one graph.
//
// A signature, the shapes of a call's inputs, is in one of three states:
//
//     unknown ── claim ──▶ claimed ── insert ──▶ compiled
//        ▲                    │                      │
//        ├───── giveUp ───────┘                      │
//        └───── eviction: it was unused for longest ─┘
//
// Whoever claims a signature compiles it, alone, and ends the claim with `insert` or `giveUp`;
// others that meet a claimed signature do without a plan. A call that waits for its plan does not
// claim: it inserts into whatever state there is, and what was there first goes.
//
// The cache is a value; GraphProgram keeps it behind a lock, which is held to look and to move
// plans, never while one is compiled. A plan is immutable and handed over under the lock, so its
// reader sees all that its compiler wrote.

import TernTensor

/// The plans that were used last, at most so many of them, and those that somebody compiles.
struct PlanCache {
    /// What became of a claim.
    enum Claim {
        /// The caller compiles the plan.
        case granted
        /// There is a plan, or somebody else compiles it.
        case needless
    }

    /// The most recently used first.
    private var plans: [ExecutionPlan] = []
    private var claimed: Set<[Shape]> = []
    private let limit: Int

    /// Makes an empty cache.
    init(limit: Int) {
        precondition(limit > 0, "a plan cache holds at least one plan")
        self.limit = limit
    }

    /// Finds the plan for the shapes, and marks it as used.
    mutating func find(_ inputShapes: [Shape]) -> ExecutionPlan? {
        guard let index = plans.firstIndex(where: { $0.inputShapes == inputShapes }) else {
            return nil
        }
        let plan = plans[index]
        if index > 0 {
            plans.remove(at: index)
            plans.insert(plan, at: 0)
        }
        return plan
    }

    /// Asks to compile the plan for the shapes.
    mutating func claim(_ inputShapes: [Shape]) -> Claim {
        if plans.contains(where: { $0.inputShapes == inputShapes }) { return .needless }
        return claimed.insert(inputShapes).inserted ? .granted : .needless
    }

    /// Ends a claim without a plan.
    mutating func giveUp(_ inputShapes: [Shape]) { claimed.remove(inputShapes) }

    /// Adds a plan; the one unused for longest makes way.
    ///
    /// - Parameter plan: The plan.
    /// - Returns: How many plans of other shapes are gone.
    mutating func insert(_ plan: ExecutionPlan) -> Int {
        claimed.remove(plan.inputShapes)
        plans.removeAll { $0.inputShapes == plan.inputShapes }
        var evictedCount = 0
        if plans.count == limit {
            plans.removeLast()
            evictedCount = 1
        }
        plans.insert(plan, at: 0)
        return evictedCount
    }
}
