internal import TernTransport

/// The bytes of a reply, kept for as long as something refers to them.
internal final class ReplyFrame: Sendable {
    internal let message: MessageBuffer

    internal init(_ message: consuming MessageBuffer) { self.message = message }

    /// The whole frame.
    internal var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the memory lives as long as `self`, which the span's lifetime depends on.
            let span = unsafe RawSpan(
                _unsafeStart: message.frameAddress,
                byteCount: message.byteCount
            )
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}

/// What a model answered.
///
/// The outputs are views of the message that arrived; their elements are copied when they are asked
/// for as an array. A reply, and each output, keeps the message's memory, which counts against
/// ``TernClient/Configuration/messageMemoryByteCountLimit``.
public struct InferReply: Sendable {
    /// The model that answered.
    public let modelName: String
    /// The version that answered.
    public let modelVersion: Int
    /// The id that the request had.
    public let requestID: String
    /// Where the server spent its time, if the call asked for it.
    public let phaseTimes: PhaseTimes?
    /// The outputs, in the server's order.
    public let outputs: [InferOutput]

    internal init(
        modelName: String,
        modelVersion: Int,
        requestID: String,
        phaseTimes: PhaseTimes?,
        outputs: [InferOutput]
    ) {
        self.modelName = modelName
        self.modelVersion = modelVersion
        self.requestID = requestID
        self.phaseTimes = phaseTimes
        self.outputs = outputs
    }

    /// The output of the given name; `nil` if there is none.
    public subscript(name: String) -> InferOutput? { outputs.first { $0.name == name } }

    /// The output of the given name.
    ///
    /// - Parameter name: The name that the model gives it.
    /// - Returns: The output.
    /// - Throws: ``TernError/Code/notFound`` with the names there are.
    public func output(_ name: String) throws(TernError) -> InferOutput {
        guard let output = self[name] else {
            let names = outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw TernError(
                .notFound,
                "the reply of \(modelName) has no output \"\(name)\"; it has \(names)"
            )
        }
        return output
    }
}
