package import TernTensor
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
    /// Where requests get their turn.
    package let executors: ExecutorPool
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
    /// - Throws: ``ExecutionFailure`` if an executor cannot be made.
    package init(
        name: String,
        version: UInt64,
        model: any ExecutableModel,
        executorCount: Int,
        load: ModelLoad
    ) throws(ExecutionFailure) {
        self.name = name
        self.version = version
        self.load = load
        inputs = InputContract(model.inputs)
        outputs = OutputContract(model.outputs)
        var executors: [any ModelExecutor] = []
        executors.reserveCapacity(executorCount)
        for _ in 0..<executorCount { executors.append(try model.makeExecutor()) }
        self.executors = ExecutorPool(executors: executors, waitingLimit: load.inFlightLimit)
    }
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
