package import TernRuntime
package import TernTensor

// What the server needs of a model, and no more, so that the way from frame to reply can be tested
// with models that block, fail or answer at once, without compiling anything.

/// Why a model could not be run or made ready.
package struct ExecutionFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// Whether the values in the request are to blame, rather than the model or the server.
    package let isCausedByRequest: Bool
    /// Whether the call was stopped because nobody wants its result any more.
    package let isInterruption: Bool
    /// What went wrong.
    package let reason: String

    package init(isCausedByRequest: Bool = false, isInterruption: Bool = false, reason: String) {
        self.isCausedByRequest = isCausedByRequest
        self.isInterruption = isInterruption
        self.reason = reason
    }

    package var description: String { reason }
}

/// A model that can be run: immutable, shared by every executor made from it.
package protocol ExecutableModel: AnyObject, Sendable {
    /// What callers must send.
    var inputs: [TensorDescriptor] { get }
    /// What comes back.
    var outputs: [TensorDescriptor] { get }

    /// Makes an executor with the memory it needs. Called while the model is loaded.
    func makeExecutor() throws(ExecutionFailure) -> any ModelExecutor

    /// Prepares for calls of these shapes, so that the first is as quick as those that follow. Called
    /// while the model is loaded; blocks until it is done.
    ///
    /// - Parameter shapes: The shape of each input; what does not fit the model is ignored.
    func prepare(for shapes: [Shape])
}

extension ExecutableModel {
    /// Does nothing, for a model that has nothing to prepare.
    package func prepare(for shapes: [Shape]) {}
}

/// Runs one call of a model at a time; whoever holds it is its only user.
///
/// An executor is reused: in steady state none of these functions allocates.
package protocol ModelExecutor: AnyObject, Sendable {
    /// Makes `bytes` the value of the input at `index`, without copying if it can be helped.
    ///
    /// The bytes stay where they are until the outputs have been read.
    func bindInput(_ index: Int, _ bytes: RawSpan, shape: Shape) throws(ExecutionFailure)

    /// Computes every output from the bound inputs.
    ///
    /// - Parameter interruption: If it is requested, the call stops where it next can.
    /// - Throws: ``ExecutionFailure``; there are no outputs then.
    func run(unless interruption: Interruption) throws(ExecutionFailure)

    /// The shape of an output of the last run.
    func outputShape(_ index: Int) -> Shape

    /// The bytes of an output of the last run, as the wire protocol lays them out.
    @_lifetime(borrow self)
    func outputBytes(_ index: Int) -> RawSpan
}
