import TernGraph
import TernTensor

/// Loop: runs its body until a count is reached or a condition fails.
///
/// The body takes the iteration's number, the condition and the states, and gives the next condition,
/// the next states, and what is to be stacked: one slice per iteration.
///
/// Where the shapes allow it, the body is planned once and the loop is a kernel like any other.
/// Where the number of slices or the states' shapes depend on data, it is run with tensors. Either
/// way there is a limit to the iterations (``Evaluator/iterationCountLimit``), and a call that is
/// told to stop does so between two of them.
enum LoopOperator {
    static let all = [declaration]

    private static let declaration = OperatorDeclaration(
        "Loop",
        versions: [1, 11, 13, 16, 19, 21, 23, 24, 25],
        inputs: 2...4096,
        optionalInputs: [0, 1],
        outputs: 1...4096,
        shape: { (context) throws(OperatorError) in try infer(&context) },
        kernel: { (context) throws(OperatorError) in try kernel(context) },
        evaluation: { (context) throws(OperatorError) in try evaluate(context) }
    )

    // MARK: Shapes

    /// How many states there are, once the numbers of inputs and outputs are known to fit.
    private static func stateCount(_ node: Node) throws(OperatorError) -> Int {
        let body = try node.graph("body")
        let states = node.inputs.count - 2
        guard body.inputs.count == states + 2 else {
            throw OperatorError(
                "the body takes \(body.inputs.count) inputs, expected \(states + 2) for \(states) "
                    + "states"
            )
        }
        guard body.outputs.count > states, node.outputs.count <= body.outputs.count - 1 else {
            throw OperatorError(
                "the body gives \(body.outputs.count) outputs, which do not fit \(states) states and "
                    + "\(node.outputs.count) outputs"
            )
        }
        for input in node.inputs.dropFirst(2) where input == nil {
            throw OperatorError("a state has no first value")
        }
        return states
    }

    private static func number(_ tensor: Tensor?) throws(OperatorError) -> Int? {
        guard let tensor else { return nil }
        guard tensor.elementType == .int64, let values = tensor.integerElements, values.count == 1
        else {
            throw OperatorError(
                "the trip count is \(tensor.elementType)\(tensor.shape), expected one INT64"
            )
        }
        return max(values[0], 0)
    }

    private static func truth(_ tensor: Tensor?) throws(OperatorError) -> Bool? {
        guard let tensor else { return nil }
        guard tensor.elementType == .bool, tensor.shape.elementCount == 1 else {
            throw OperatorError(
                "the condition is \(tensor.elementType)\(tensor.shape), expected one BOOL"
            )
        }
        return tensor.elements(as: UInt8.self)[0] != 0
    }

    /// The body's first two inputs, scalars, or vectors of one element where a file declares them.
    private static func control(
        _ body: Graph,
        condition: Bool?
    ) -> (iteration: ValueFact, condition: ValueFact) {
        let shapes = (0..<2).map { index -> Shape in
            body[body.inputs[index].value].dimensions?.count == 1 ? [1] : []
        }
        return (
            ValueFact(elementType: .int64, dimensions: shapes[0].map { .fixed($0) }),
            ValueFact(
                elementType: .bool,
                dimensions: shapes[1].map { .fixed($0) },
                content: condition.map {
                    .tensor(
                        Tensor(elementType: .bool, shape: shapes[1], values: [UInt8($0 ? 1 : 0)])
                    )
                }
            )
        )
    }

    private static func infer(_ context: inout ShapeInferenceContext) throws(OperatorError) {
        try context.requireElementType(0, in: [.int64])
        try context.requireElementType(1, in: [.bool])
        let states = try stateCount(context.node)
        let body = try context.node.graph("body")
        var count = try number(context.constant(0))
        let first = context.hasInput(1) ? try truth(context.constant(1)) : true
        if first == false { count = 0 }
        let control = control(body, condition: first == true ? true : nil)
        var facts: [ValueFact] = []
        for index in 0..<states {
            let fact = context.fact(2 + index) ?? ValueFact()
            facts.append(ValueFact(elementType: fact.elementType, dimensions: fact.dimensions))
        }
        // A state's shape may change; what changes is unknown, until nothing more does.
        var found: [ValueFact] = []
        for round in 0..<4 {
            found = try context.tentativelyInferSubgraph(
                "body",
                inputs: [control.iteration, control.condition] + facts
            )
            var isStable = true
            for index in 0..<states {
                let (before, after) = (facts[index], found[1 + index])
                if let old = before.elementType, let new = after.elementType, old != new {
                    throw OperatorError("state \(index) begins as \(old) and becomes \(new)")
                }
                let common =
                    before.dimensions == after.dimensions || round < 2
                    ? Dimension.common(before.dimensions, after.dimensions) : nil
                if common != before.dimensions { isStable = false }
                facts[index] = ValueFact(
                    elementType: before.elementType ?? after.elementType,
                    dimensions: common
                )
            }
            if isStable { break }
        }
        // Only a condition that is known to hold throughout tells the number of iterations.
        let holds = try truth(found[0].constant) == true && first == true
        let trips: Dimension =
            (holds || count == 0) ? count.map { .fixed($0) } ?? .unknown : .unknown
        for index in 0..<states { context.setOutput(index, fact: facts[index]) }
        for index in (states + 1)..<max(found.count, states + 1) {
            context.setOutput(
                index - 1,
                elementType: found[index].elementType,
                dimensions: found[index].dimensions.map { [trips] + $0 }
            )
        }
    }

    // MARK: Kernel

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let states = try stateCount(context.node)
        let graph = try context.node.graph("body")
        let first = context.hasInput(1) ? try truth(context.input(1).constant) : true
        let control = control(graph, condition: first == true ? true : nil)
        var facts = [control.iteration, control.condition]
        for index in 0..<states {
            let operand = try context.input(2 + index)
            facts.append(
                ValueFact(elementType: operand.elementType, dimensions: operand.fact.dimensions)
            )
        }
        let body = try IteratedBody(
            context,
            inputs: facts,
            states: 2..<(2 + states),
            firstStateOutput: 1
        )
        guard body.output(0).elementType == .bool, body.output(0).shape?.elementCount == 1 else {
            throw OperatorError("the body's condition is not one BOOL")
        }
        let isAsked = context.outputs.map { $0 != nil }
        var slices: [(output: Int, byteCount: Int)] = []
        for (index, operand) in context.outputs.enumerated().dropFirst(states) {
            guard let operand else { continue }
            let (type, shape) = body.output(index + 1)
            guard type == operand.elementType, let shape, let size = operand.shape.first,
                shape.elementsEqual(operand.shape.dropFirst()), size <= (try count(context))
            else { throw .waitsForData }
            slices.append((index, shape.byteCount(of: operand.elementType) ?? 0))
        }
        let (hasCount, hasCondition) = (context.hasInput(0), context.hasInput(1))
        let stacked = slices
        let limit = context.environment.iterationCountLimit
        return Kernel(scratchByteCount: 128 + body.scratchByteCount) {
            (frame) throws(OperatorError) in
            guard let base = unsafe frame.scratch.baseAddress else { return }
            let count =
                hasCount ? frame.integer(ofInput: 0, elementType: .int64) : Int.max
            var goesOn = hasCondition ? frame.elements(ofInput: 1, as: UInt8.self)[0] != 0 : true
            let number = unsafe base.assumingMemoryBound(to: Int64.self)
            let condition = unsafe (base + 64).assumingMemoryBound(to: UInt8.self)
            unsafe condition[0] = 1
            var run = unsafe IteratedBody.Run(body, base + 128, firstInput: 2, frame)
            unsafe run.set(0, OperandSlot(base, byteCount: 8))
            unsafe run.set(1, OperandSlot(base + 64, byteCount: 1))
            var iteration = 0
            while goesOn, iteration < count {
                try check(iteration, limit)
                unsafe number[0] = Int64(iteration)
                try run.step(frame)
                goesOn = unsafe run.output(0).load(as: UInt8.self) != 0
                for slice in stacked {
                    // SAFETY: the output has a slice for each iteration, as the maker checked.
                    unsafe (frame.rawOutput(slice.output) + iteration * slice.byteCount)
                        .copyMemory(from: run.output(slice.output + 1), byteCount: slice.byteCount)
                }
                run.advance()
                iteration += 1
            }
            run.finish(isAsked, frame)
        }
    }

    /// The number of iterations of a loop with slices, which is known beforehand.
    private static func count(_ context: NodeContext) throws(OperatorError) -> Int {
        let condition = context.hasInput(1) ? try truth(context.input(1).constant) : true
        if condition == false { return 0 }
        guard context.hasInput(0), let count = try number(context.input(0).constant) else {
            throw .waitsForData
        }
        return count
    }

    private static func check(_ iteration: Int, _ limit: Int) throws(OperatorError) {
        guard iteration < limit else {
            throw OperatorError(
                "the loop has run \(limit) times and would go on: that is the limit"
            )
        }
    }

    // MARK: With tensors

    private static func evaluate(
        _ context: EvaluationContext
    ) throws(OperatorError) -> [Tensor?] {
        let states = try stateCount(context.node)
        let body = try context.node.graph("body")
        let count = try number(context.input(0)) ?? Int.max
        var goesOn = try truth(context.input(1)) ?? true
        var values: [Tensor] = []
        for index in 0..<states { values.append(try context.requiredInput(2 + index)) }
        var stacks = (states + 1..<body.outputs.count).map { index in
            TensorStack(
                declared: body[body.outputs[index].value],
                byteCountLimit: context.environment.outputByteCountLimit
            )
        }
        let control = control(body, condition: nil)
        let shapes = [control.iteration, control.condition].map { $0.shape ?? [] }
        var iteration = 0
        while goesOn, iteration < count {
            try check(iteration, context.environment.iterationCountLimit)
            let results = try context.run(
                "body",
                [
                    Tensor(elementType: .int64, shape: shapes[0], values: [Int64(iteration)]),
                    Tensor(elementType: .bool, shape: shapes[1], values: [UInt8(1)]),
                ] + values
            )
            goesOn = try truth(results[0]) ?? false
            values = Array(results[1...states])
            for index in stacks.indices { try stacks[index].append(results[1 + states + index]) }
            iteration += 1
        }
        var outputs: [Tensor?] = values
        for stack in stacks { outputs.append(try stack.tensor()) }
        return Array(outputs.prefix(context.node.outputs.count))
    }
}
