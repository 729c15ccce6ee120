package import TernTensor

/// Runs a model, one call at a time, with memory of its own that it uses again and again.
///
/// A call is: ``bindInput(_:_:shape:)`` for each input, ``run()``, then read the outputs with
/// ``outputShape(_:)`` and ``outputBytes(_:)``. Once a session has met a combination of input
/// shapes, such a call allocates nothing and takes no lock (unless something in the model depends on
/// the data in a way that decides a shape; see ``CompiledModel``).
///
/// Inputs are not copied, unless they lie so that their elements cannot be read in place. Outputs
/// may be the inputs' own bytes. Both, and the memory they lie in, must stay as they are until the
/// outputs have been read.
///
/// Not for two threads at a time; which thread makes a call does not matter.
@safe package final class Session: @unchecked Sendable {
    // SAFETY: of "@unchecked Sendable": a session is handed from thread to thread by whoever owns
    // it and used by one at a time, as documented; nothing in it is shared but the model, which is
    // immutable.

    /// What a call does whose shapes have no plan yet.
    package enum Compilation: Sendable {
        /// It makes the plan and runs it.
        case inPlace
        /// It runs node by node, which takes memory and some microseconds for each node; the plan is
        /// made by another thread meanwhile, for the calls that come later.
        case inBackground
    }

    /// The model.
    package let model: CompiledModel
    private let compilation: Compilation
    private var inputs: [BoundInput]
    private var plans: [BoundPlan] = []
    private var arena = AlignedBuffer(byteCount: 0)
    private var current: BoundPlan?
    private var dynamicValues = DynamicValues()

    /// How many plans a session keeps at hand.
    private static let planCountLimit = 16

    /// Makes a session; its memory is taken when shapes are first met.
    package init(_ model: CompiledModel, compilation: Compilation = .inPlace) {
        self.model = model
        self.compilation = compilation
        inputs = model.inputs.map { BoundInput(elementType: $0.elementType) }
    }

    /// Says where an input is.
    ///
    /// `bytes` are read by ``run()`` and, if an output is a view of them, by the reader of that
    /// output: they must stay valid and unchanged until the next call's first `bindInput`.
    ///
    /// - Parameters:
    ///   - index: The input's position in ``CompiledModel/inputs``.
    ///   - bytes: Its elements, dense and row-major, in the machine's byte order.
    ///   - shape: Its shape.
    /// - Throws: ``RuntimeError/shapeMismatch(input:expected:found:)`` or
    ///   ``RuntimeError/byteCountMismatch(input:expected:found:)`` if they do not fit the model, and
    ///   ``RuntimeError/noSuchInput(index:inputCount:)``. The input is then not bound.
    @unsafe package func bindInput(
        _ index: Int,
        _ bytes: UnsafeRawBufferPointer,
        shape: Shape
    ) throws(RuntimeError) {
        current = nil
        guard index >= 0, index < inputs.count else {
            throw .noSuchInput(index: index, inputCount: inputs.count)
        }
        inputs[index].unbind()
        guard accepts(shape, input: index) else {
            let dimensions = model.inputs[index].dimensions ?? []
            throw .shapeMismatch(
                input: model.inputs[index].name,
                expected: "[" + dimensions.map(\.description).joined(separator: ", ") + "]",
                found: shape
            )
        }
        let expected = shape.byteCount(of: inputs[index].elementType)
        let isVariable = inputs[index].elementType == .bytes
        guard isVariable || expected == bytes.count else {
            throw .byteCountMismatch(
                input: model.inputs[index].name,
                expected: expected ?? .max,
                found: bytes.count
            )
        }
        unsafe inputs[index].bind(bytes, shape: shape)
    }

    /// Says where an input is, with bytes that outlive the call; see the other `bindInput`.
    ///
    /// - Parameters:
    ///   - index: The input's position in ``CompiledModel/inputs``.
    ///   - tensor: The input; the session keeps it until another is bound.
    /// - Throws: As the other `bindInput`, and
    ///   ``RuntimeError/incompatibleShapes(_:)`` if the element type is another.
    package func bindInput(_ index: Int, _ tensor: Tensor) throws(RuntimeError) {
        if index >= 0, index < inputs.count, tensor.elementType != inputs[index].elementType {
            throw .incompatibleShapes([
                "the input \(model.inputs[index].name) must be \(inputs[index].elementType), "
                    + "found \(tensor.elementType)"
            ])
        }
        // SAFETY: the session keeps the storage below, as long as it may read the bytes.
        try unsafe bindInput(
            index,
            UnsafeRawBufferPointer(
                start: tensor.storage.baseAddress,
                count: tensor.storage.byteCount
            ),
            shape: tensor.shape
        )
        inputs[index].owner = tensor.storage
    }

    /// Whether a shape fits what the model declares, as far as one input alone can tell.
    private func accepts(_ shape: Shape, input index: Int) -> Bool {
        guard let dimensions = model.inputs[index].dimensions else { return true }
        guard dimensions.count == shape.rank else { return false }
        for axis in 0..<shape.rank {
            if case .fixed(let size) = dimensions[axis], size != shape[axis] { return false }
        }
        return true
    }

    /// Runs the model on the bound inputs.
    ///
    /// - Parameter interruption: Looked at between two nodes; `nil` means that nothing stops the call.
    /// - Throws: ``RuntimeError/inputNotBound(name:)``, ``RuntimeError/incompatibleShapes(_:)``, or
    ///   ``RuntimeError/nodeFailed(node:operatorName:reason:)`` if a node meets values it cannot
    ///   work with, or ``RuntimeError/interrupted``. There are no outputs then.
    package func run(unless interruption: Interruption? = nil) throws(RuntimeError) {
        current = nil
        guard let bound = try boundPlan(compilation) else {
            return try runGenerally(unless: interruption)
        }
        bound.placeInputs(inputs)
        try bound.run(unless: interruption)
        if !bound.plan.dynamicNodes.isEmpty {
            try dynamicValues.evaluate(
                bound,
                inputs: inputs,
                evaluator: model.evaluator,
                interruption: interruption
            )
        }
        current = bound
    }

    /// Runs the model on the bound inputs, and tells when each step ran.
    ///
    /// Reading the clock costs some 50 ns a step.
    ///
    /// - Parameter observe: Called after each step. The nodes that depend on data come last, all of
    ///   them as one step, `nil`.
    /// - Returns: The plan that ran.
    /// - Throws: As ``run(unless:)``.
    @discardableResult
    package func run(
        observing observe: (ExecutionPlan.Step?, Range<ContinuousClock.Instant>) -> Void
    ) throws(RuntimeError) -> ExecutionPlan {
        current = nil
        guard let bound = try boundPlan(.inPlace) else {
            preconditionFailure("a plan that was waited for is not there")
        }
        bound.placeInputs(inputs)
        let plan = bound.plan
        let clock = ContinuousClock()
        var start = clock.now
        for index in plan.steps.indices {
            try bound.run(step: index)
            let end = clock.now
            observe(plan.steps[index], start..<end)
            start = clock.now
        }
        if !plan.dynamicNodes.isEmpty {
            try dynamicValues.evaluate(
                bound,
                inputs: inputs,
                evaluator: model.evaluator,
                interruption: nil
            )
            observe(nil, start..<clock.now)
        }
        current = bound
        return plan
    }

    /// Runs the model node by node, and lets the plan for these shapes be made.
    private func runGenerally(unless interruption: Interruption?) throws(RuntimeError) {
        let shapes = inputs.map(\.shape)
        let bound = BoundPlan(
            model.generalPlan(for: shapes),
            arena: arena,
            context: model.context
        )
        try dynamicValues.evaluate(
            bound,
            inputs: inputs,
            evaluator: model.evaluator,
            interruption: interruption
        )
        current = bound
        // Not for shapes that do not fit the model: those have failed by now.
        model.compileInBackground(shapes)
    }

    /// The plan for the bound inputs' shapes, with its operands in this session's memory; `nil` if
    /// it is not there and not to be waited for.
    private func boundPlan(_ compilation: Compilation) throws(RuntimeError) -> BoundPlan? {
        for index in inputs.indices where !inputs[index].isBound {
            throw .inputNotBound(name: model.inputs[index].name)
        }
        // Nearly always the first: a plan that is used moves to the front.
        for index in plans.indices where plans[index].fits(inputs) {
            if index > 0 { plans.swapAt(0, index) }
            model.options.counters.countHit()
            return plans[0]
        }
        let shapes = inputs.map(\.shape)
        let plan: ExecutionPlan
        if let found = model.foundPlan(for: shapes) {
            model.options.counters.countHit()
            plan = found
        } else {
            model.options.counters.countMiss()
            guard compilation == .inPlace else { return nil }
            plan = try model.plan(for: shapes)
        }
        if plan.arenaByteCount > arena.byteCount {
            // The old memory stays with the plans that use it until they are bound anew.
            arena = AlignedBuffer(byteCount: plan.arenaByteCount)
            plans.removeAll()
        }
        if plans.count == Self.planCountLimit { plans.removeLast() }
        plans.insert(BoundPlan(plan, arena: arena, context: model.context), at: 0)
        return plans[0]
    }

    private func finishedPlan() -> BoundPlan {
        guard let current else {
            preconditionFailure("an output is read before the model has run")
        }
        return current
    }

    /// The shape of an output.
    ///
    /// - Precondition: ``run()`` has returned since the last `bindInput`.
    package func outputShape(_ index: Int) -> Shape {
        let output = finishedPlan().plan.outputs[index]
        if case .dynamic(let id) = output.source { return dynamicValues[id].shape }
        guard let shape = output.shape else {
            preconditionFailure("an output has no shape after the model has run")
        }
        return shape
    }

    /// The bytes of an output: dense, row-major; valid until the next `bindInput` or `run`.
    ///
    /// - Precondition: ``run()`` has returned since the last `bindInput`.
    @_lifetime(borrow self)
    package func outputBytes(_ index: Int) -> RawSpan {
        let bytes = unsafe unsafeOutputBytes(index)
        // SAFETY: the bytes are the arena's, a constant's or an input's, which stay until the next
        // call by the documented contract.
        let span = unsafe RawSpan(_unsafeBytes: bytes)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    @unsafe private func unsafeOutputBytes(_ index: Int) -> UnsafeRawBufferPointer {
        let bound = finishedPlan()
        let output = bound.plan.outputs[index]
        switch output.source {
        case .input(let input):
            return unsafe inputs[input].bytes
        case .arena(let offset):
            return unsafe UnsafeRawBufferPointer(
                start: bound.arena.baseAddress + offset,
                count: output.byteCount ?? 0
            )
        case .constant(let constant):
            let storage = bound.plan.constants[constant].storage
            return unsafe UnsafeRawBufferPointer(
                start: storage.baseAddress,
                count: storage.byteCount
            )
        case .dynamic(let id):
            let storage = dynamicValues[id].storage
            return unsafe UnsafeRawBufferPointer(
                start: storage.baseAddress,
                count: storage.byteCount
            )
        case .nothing:
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// A copy of an output that outlives the call.
    ///
    /// - Precondition: ``run()`` has returned since the last `bindInput`.
    package func output(_ index: Int) -> Tensor {
        Tensor(
            elementType: model.outputs[index].elementType,
            shape: outputShape(index),
            copying: outputBytes(index)
        )
    }
}
