package import TernTensor
internal import TernThreadPool
internal import TernWire

/// One version of a model, loaded and ready to be called.
///
/// Requests in flight hold it, so it can be taken out of the table at any time. Its memory is
/// freed by the loader, which waits until it is the last holder.
package final class ServedModel: Sendable {
    /// The model's name.
    package let name: String
    /// The version's number.
    package let version: UInt64
    /// What callers must send.
    package let inputs: InputContract
    /// What comes back.
    package let outputs: OutputContract
    /// Where requests wait for their turn.
    package let queue: ModelQueue
    /// How requests can be put together; `nil` if they cannot.
    package let batching: BatchContract?
    /// How busy the model is, all versions together.
    package let load: ModelLoad

    /// Makes `model` ready to be called: makes its executors, which takes their memory.
    ///
    /// - Parameters:
    ///   - name: The model's name.
    ///   - version: The version's number.
    ///   - model: What runs.
    ///   - executorCount: How many calls run at once.
    ///   - load: The counters of this name.
    ///   - probe: What finds out how many rows are worth running together; it runs the model.
    ///   - taker: Who works on what waits; outlives the model's turns.
    /// - Throws: ``ExecutionFailure`` if an executor cannot be made.
    package init(
        name: String,
        version: UInt64,
        model: any ExecutableModel,
        executorCount: Int,
        load: ModelLoad,
        probe: BatchProbe = BatchProbe(rowLimit: 1),
        taker: (any TurnTaker)? = nil
    ) throws(ExecutionFailure) {
        self.name = name
        self.version = version
        self.load = load
        self.taker = taker
        let inputs = InputContract(model.inputs)
        let outputs = OutputContract(model.outputs)
        var executors: [any ModelExecutor] = []
        executors.reserveCapacity(executorCount)
        for _ in 0..<executorCount { executors.append(try model.makeExecutor()) }
        var batching =
            probe.rowLimit > 1 ? BatchContract(inputs: inputs, outputs: outputs) : nil
        var rowLimit = 1
        if batching != nil, let executor = executors.first {
            rowLimit = probe.worthwhileRowCount(
                of: model,
                on: executor,
                inputs: inputs,
                outputs: outputs
            )
            if rowLimit == 1 { batching = nil }
        }
        self.inputs = inputs
        self.outputs = outputs
        self.batching = batching
        queue = ModelQueue(
            executors: executors,
            inputCount: inputs.count,
            waitingLimit: load.inFlightLimit,
            rowLimit: rowLimit
        )
    }

    /// Works on what waits, when the pool has time; `nil` where nobody submits turns.
    private unowned let taker: (any TurnTaker)?

    /// A job that takes a turn of this model.
    ///
    /// It holds the model until it has run: submit it, or let it go with ``discardTurn()``.
    func turn() -> PoolJob {
        // SAFETY: the retain is balanced by the job, which runs once, or by `discard`.
        unsafe PoolJob(context: Unmanaged.passRetained(self).toOpaque()) { context in
            guard let context = unsafe context else {
                preconditionFailure("a turn was taken without its model")
            }
            let model = unsafe Unmanaged<ServedModel>.fromOpaque(context).takeRetainedValue()
            model.taker?.takeTurn(of: model)
        }
    }

    /// Lets go of a turn that the pool didn't take.
    func discardTurn() {
        // SAFETY: balances `turn()`, whose job never runs.
        unsafe Unmanaged.passUnretained(self).release()
    }
}

/// Who works on the requests that wait for models.
package protocol TurnTaker: AnyObject, Sendable {
    /// Takes one turn of `model`, on a thread of the pool.
    func takeTurn(of model: ServedModel)
}

/// What a model gives back, prepared for replies.
package struct OutputContract: Sendable {
    /// As the model describes them.
    package let descriptors: [TensorDescriptor]

    /// Prepares the descriptors.
    package init(_ descriptors: [TensorDescriptor]) {
        self.descriptors = descriptors
    }

    /// How many outputs there are.
    package var count: Int { descriptors.count }

    /// Finds the output whose name has these bytes.
    package func index(named name: RawSpan) -> Int? {
        for index in descriptors.indices where name.spells(descriptors[index].name) {
            return index
        }
        return nil
    }
}
