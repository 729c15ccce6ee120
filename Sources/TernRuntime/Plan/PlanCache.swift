import TernTensor

/// The plans that were used last, at most so many of them, the most recent first.
struct PlanCache {
    private var plans: [ExecutionPlan] = []
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

    /// Adds a plan; the one unused for longest makes way.
    mutating func insert(_ plan: ExecutionPlan) {
        plans.removeAll { $0.inputShapes == plan.inputShapes }
        if plans.count == limit { plans.removeLast() }
        plans.insert(plan, at: 0)
    }
}
