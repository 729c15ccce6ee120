internal import Foundation
internal import TernClient
internal import TernTensor
internal import TernTransport
internal import TernTransportNNG
internal import TernWire

/// A request that a test's server has received and may answer, now or later.
final class ReceivedRequest: Sendable {
    let header: FrameHeader
    let frame: [UInt8]
    private let replier: Locked<Replier?>
    private let buffers: BufferPool

    init(
        message: consuming MessageBuffer,
        replier: consuming Replier,
        buffers: BufferPool
    ) throws(WireError) {
        frame = unsafe message.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        header = try FrameHeader(decoding: message.bytes, limits: .standard)
        self.replier = Locked(replier)
        self.buffers = buffers
    }

    /// Answers with any bytes.
    func reply(_ bytes: [UInt8]) {
        guard var message = buffers.take(byteCount: bytes.count) else { return }
        var target = message.mutableBytes
        target.copyBytes(from: unsafe bytes.span.bytes, at: 0)
        let replier = replier.withLock { $0.take() }
        replier?.reply(message)
    }

    /// Answers with an error.
    func fail(_ code: StatusCode, _ message: String, retryAfterMicroseconds: UInt64? = nil) {
        let reply = ErrorReply(
            code: code,
            message: message,
            subject: "the thing",
            expected: "one",
            found: "two",
            retryAfterMicroseconds: retryAfterMicroseconds
        )
        self.reply(reply.encoded(to: header))
    }

    /// Answers a `ModelInfer` with its own inputs, named alike, as version 7.
    func echo() {
        do throws(WireError) {
            reply(try ReceivedRequest.echo(of: frame))
        } catch {
            fail(error.code, error.description)
        }
    }

    /// The reply that returns a request's inputs.
    static func echo(
        of frame: [UInt8],
        correlationID: UInt64? = nil
    ) throws(WireError) -> [UInt8] {
        let view = try ModelInferRequestView(decoding: unsafe frame.span.bytes)
        var measure = ModelInferReplyWriter.measure(withPhaseTimes: view.wantsPhaseTimes)
        var inputs = view.inputs
        while let input = inputs.next() {
            measure.addTensor(
                nameByteCount: input.name.byteCount,
                rank: input.shape.rank,
                payloadByteCount: input.payload.byteCount
            )
        }
        var reply = [UInt8](repeating: 0, count: measure.byteCount)
        var elements = reply.mutableSpan
        var bytes = unsafe elements.mutableBytes
        var writer = ModelInferReplyWriter(
            correlationID: correlationID ?? view.correlationID,
            version: 7,
            withPhaseTimes: view.wantsPhaseTimes,
            measure: measure,
            into: &bytes
        )
        inputs = view.inputs
        while let input = inputs.next() {
            writer.append(
                name: input.name,
                elementType: input.elementType,
                shape: input.shape,
                payload: input.payload,
                into: &bytes
            )
        }
        let times = TernWire.PhaseTimes(
            receiveNanoseconds: 1000,
            queueNanoseconds: 2000,
            batchWaitNanoseconds: 3000,
            computeNanoseconds: 4000,
            encodeNanoseconds: 5000
        )
        writer.finish(phaseTimes: view.wantsPhaseTimes ? times : nil, into: &bytes)
        return reply
    }
}

/// What a test looks at in a `ModelInfer` request.
struct RequestSummary {
    let modelName: String
    let version: UInt64?
    let label: String?
    let requestID: String?
    let wantedOutputs: [String]
    let correlationID: UInt64
    let priority: Int8
    let budgetMicroseconds: UInt64?
    let idempotencyKey: TernWire.IdempotencyKey?
    let wantsPhaseTimes: Bool

    init(of frame: [UInt8]) throws(WireError) {
        let view = try ModelInferRequestView(decoding: unsafe frame.span.bytes)
        modelName = Self.text(view.modelName)
        version = view.version
        if let bytes = view.label { label = Self.text(bytes) } else { label = nil }
        if let bytes = view.requestID { requestID = Self.text(bytes) } else { requestID = nil }
        var outputs: [String] = []
        var iterator = view.wantedOutputs
        while let name = iterator.next() { outputs.append(Self.text(name)) }
        wantedOutputs = outputs
        correlationID = view.correlationID
        priority = view.priority
        budgetMicroseconds = view.budgetMicroseconds
        idempotencyKey = view.idempotencyKey
        wantsPhaseTimes = view.wantsPhaseTimes
    }

    private static func text(_ bytes: RawSpan) -> String {
        unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

/// The transports that the same tests run over.
enum World: CaseIterable, Sendable { case inProcess, ipc }

/// A server that answers as a test says.
final class TestServer: RequestReceiver {
    typealias Handler = @Sendable (ReceivedRequest) -> Void

    private let handler: Handler
    private let buffers = BufferPool(limitByteCount: 1 << 30)
    private let listener = Locked<(any RequestListener)?>(nil)

    private init(_ handler: @escaping Handler) { self.handler = handler }

    /// Listens at `url` and hands each request to `handler`, on a thread of the transport.
    static func start(at url: String, _ handler: @escaping Handler) throws -> TestServer {
        let server = TestServer(handler)
        let endpoint = try Endpoint(url: url)
        let listener: any RequestListener
        if case .inProcess(let name) = endpoint {
            listener = try InProcessListener(name: name, receiver: server)
        } else {
            listener = try NNGListener(
                endpoints: [endpoint],
                receiver: server,
                buffers: server.buffers
            )
        }
        server.listener.withLock { $0 = listener }
        return server
    }

    /// Where clients connect to.
    var url: String { listener.withLock { $0?.urls[0] ?? "" } }

    /// A client of this server.
    func client(
        configuration: TernClient.Configuration = .init()
    ) throws -> TernClient {
        guard case .inProcess(let name) = try Endpoint(url: url) else {
            return try TernClient(endpoint: url, configuration: configuration)
        }
        let memory = BufferPool(limitByteCount: configuration.messageMemoryByteCountLimit)
        let channel = InProcessChannel(connectingTo: name, buffers: memory)
        return TernClient(endpoint: url, configuration: configuration, channel: channel)
    }

    /// Ends every connection and stops listening.
    func stop() { listener.withLock { $0.take() }?.shutdown() }

    deinit { stop() }

    func receive(_ request: consuming IncomingRequest) {
        let buffers = buffers
        let received: ReceivedRequest? = request.takeApart { message, replier in
            do throws(WireError) {
                return try ReceivedRequest(message: message, replier: replier, buffers: buffers)
            } catch {
                return nil
            }
        }
        if let received { handler(received) }
    }

    func frame(for refusal: TransportRefusal, prefix: RawSpan) -> MessageBuffer? { nil }

    func connectionClosed(_ connection: ConnectionID) {}
}

/// A directory that goes away with the last reference.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/tern-client-XXXXXX".utf8CString)
        path = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe String(cString: mkdtemp(buffer.baseAddress!))
        }
    }

    /// The URL of a UNIX socket in it.
    func url(_ name: String = "s") -> String { "ipc://\(path)/\(name)" }

    /// The URL of a server in one of the worlds.
    func url(in world: World) -> String {
        switch world {
        case .inProcess: "inproc://\(path)"
        case .ipc: url()
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
