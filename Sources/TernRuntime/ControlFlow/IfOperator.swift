import TernGraph
import TernTensor

/// If: runs one of two subgraphs.
///
/// A condition that the model or the shapes of a call decide never gets here: the branch is then
/// part of the graph (see ``BranchFolding``). What is left is a condition that depends on data.
/// A branch that does not fit a call's shapes is an error only if it is taken: models hold branches
/// for other shapes.
enum IfOperator {
    static let all = [declaration]

    private static let branches = ["else_branch", "then_branch"]

    private static let declaration = OperatorDeclaration(
        "If",
        versions: [1, 11, 13, 16, 19, 21, 23, 24, 25],
        inputs: 1...1,
        outputs: 1...4096,
        shape: { (context) throws(OperatorError) in try infer(&context) },
        kernel: { (context) throws(OperatorError) in try kernel(context) },
        evaluation: { (context) throws(OperatorError) in
            let condition = try truth(context.requiredInput(0))
            return try context.run(branches[condition ? 1 : 0])
        }
    )

    private static func truth(_ condition: Tensor) throws(OperatorError) -> Bool {
        guard condition.elementType == .bool, condition.shape.elementCount == 1 else {
            throw OperatorError(
                "the condition is \(condition.elementType)\(condition.shape), expected one BOOL"
            )
        }
        return condition.elements(as: UInt8.self)[0] != 0
    }

    // MARK: Shapes

    private static func infer(_ context: inout ShapeInferenceContext) throws(OperatorError) {
        try context.requireElementType(0, in: [.bool])
        for name in branches {
            let count = try context.node.graph(name).outputs.count
            guard count == context.outputCount else {
                throw OperatorError(
                    "\(name) has \(count) outputs, the node has \(context.outputCount)"
                )
            }
        }
        if let condition = context.constant(0) {
            let taken = try context.tentativelyInferSubgraph(branches[try truth(condition) ? 1 : 0])
            for (index, fact) in taken.enumerated() { context.setOutput(index, fact: fact) }
            return
        }
        var found: [[ValueFact]] = []
        var problems: [String] = []
        for name in branches {
            do throws(OperatorError) {
                found.append(try context.tentativelyInferSubgraph(name))
            } catch {
                problems.append("\(name): \(error.message)")
            }
        }
        guard let first = found.first else {
            throw OperatorError("neither branch fits: " + problems.joined(separator: "; "))
        }
        for index in first.indices {
            let facts = found.map { $0[index] }
            let types = Set(facts.compactMap(\.elementType))
            guard types.count <= 1 else {
                throw OperatorError(
                    "output \(index) is of different types in the branches: "
                        + types.map(\.name).sorted().joined(separator: " and ")
                )
            }
            context.setOutput(
                index,
                elementType: types.first,
                dimensions: facts.dropFirst().reduce(facts[0].dimensions) {
                    Dimension.common($0, $1.dimensions)
                }
            )
        }
    }

    // MARK: Kernel

    /// A branch as it runs, or why it cannot.
    private enum Branch {
        case plan(NestedPlan, captures: [Int])
        case impossible(String)
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        var found: [Branch] = []
        for name in branches { found.append(try branch(name, context)) }
        let all = found
        let outputs = context.outputs.map { $0 != nil }
        let slotByteCount =
            (context.captures.count * MemoryLayout<OperandSlot>.stride + 63) & ~63
        let needed = all.map { branch in
            if case .plan(let plan, _) = branch { plan.scratchByteCount } else { 0 }
        }
        return Kernel(scratchByteCount: slotByteCount + (needed.max() ?? 0) + 64) {
            (frame) throws(OperatorError) in
            let taken = frame.elements(ofInput: 0, as: UInt8.self)[0] != 0
            switch all[taken ? 1 : 0] {
            case .impossible(let reason): throw OperatorError(reason)
            case .plan(let plan, let captures):
                guard let base = unsafe frame.scratch.baseAddress else { return }
                let slots = unsafe base.bindMemory(
                    to: OperandSlot.self,
                    capacity: captures.count
                )
                for (position, input) in captures.enumerated() {
                    // SAFETY: there is room for a slot per capture of the node.
                    unsafe (slots + position).initialize(to: frame.inputSlot(input))
                }
                let scratch = unsafe base + slotByteCount
                unsafe plan.bind(scratch)
                unsafe try plan.run(scratch, inputs: slots, frame)
                for index in outputs.indices where outputs[index] {
                    // SAFETY: the outputs have the plan's shapes, as the maker checked.
                    unsafe frame.rawOutput(index).copyMemory(
                        from: plan.output(index, scratch, inputs: slots),
                        byteCount: frame.outputByteCount(index)
                    )
                }
            }
        }
    }

    private static func branch(
        _ name: String,
        _ context: NodeContext
    ) throws(OperatorError) -> Branch {
        do throws(OperatorError) {
            let (plan, captures) = try context.nestedPlan(name)
            for (index, operand) in context.outputs.enumerated() {
                guard let operand else { continue }
                if !plan.output(index, fits: operand) { throw .waitsForData }
            }
            return .plan(plan, captures: captures)
        } catch {
            if error.dependsOnData { throw error }
            return .impossible(error.message)
        }
    }
}
