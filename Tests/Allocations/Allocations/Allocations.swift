import CAllocationCounter
import Foundation
import Glibc
import Logging
import TernServer
import TernTensor
import TernTransport
import TernTransportNNG
import TernWire

// Counts the allocations that a server makes between receiving a request for the identity model and
// sending its reply, once it is warm. It must make none.
//
// Within the process the client shares threads with the server: a request runs into the receiver on
// the caller's thread, and the reply's completion runs on a worker. What is the client's own is
// exempt from counting. Over nng the client is another process, and every thread of this one counts;
// what libnng itself allocates is told apart by who called malloc, and reported beside. The alarm
// clock, which looks after connections now and then whether or not there are requests, is exempt.

/// Counts for one world after the other; exits with 1 if one of them allocates.
@main
private enum Allocations {
    static let warmUpCount = 4_000
    /// How many requests are in flight at once while the server is warmed up.
    ///
    /// Afterwards it is one; but the memory of a reply may still be in use when the next request is
    /// worked on.
    static let warmUpWidth = 8
    static let requestCount = 10_000
    /// The elements of the tensors that are sent, in one row: a small one and a large one.
    static let widths = [32, 150_000]

    static func main() throws {
        signal(SIGPIPE, SIG_IGN)
        AlarmClock.shared.set(ExemptingAlarm(), at: 0)
        let arguments = CommandLine.arguments
        if arguments.count == 4, arguments[1] == "client" {
            return try NNGClient(url: arguments[2], width: Int(arguments[3]) ?? 0).run()
        }
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let urls = ["inproc://allocations", "ipc://\(folder)/s", "tcp://127.0.0.1:0"]
        var isClean = true
        for url in urls {
            for width in widths {
                let server = try startedServer(url)
                let isInProcess = url.hasPrefix("inproc")
                if isInProcess {
                    try InProcessClient(width: width).run()
                } else {
                    try runClientProcess(url: server.urls[0], width: width)
                }
                let own = tern_allocations_own()
                let ofNNG = tern_allocations_nng()
                print(
                    "\(url.prefix { $0 != ":" }), \(width * 4) bytes: "
                        + "\(own) allocations in \(requestCount) requests"
                        + (isInProcess ? "" : ", \(ofNNG) of libnng's own")
                )
                if own > 0 { tern_allocations_report() }
                isClean = isClean && own == 0
                server.stop()
            }
        }
        exit(isClean ? 0 : 1)
    }

    private static func startedServer(_ url: String) throws -> Server {
        let model = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fixtures/models/identity.onnx")
        var configuration = ServerConfiguration()
        configuration.logger = Logger(label: "allocations") { _ in SwiftLogNoOpLogHandler() }
        configuration.endpoints = [url]
        configuration.embeddedModels = [
            EmbeddedModel(name: "identity", contents: .onnx(Array(try Data(contentsOf: model))))
        ]
        let server = Server(configuration)
        try server.start()
        return server
    }

    /// Lets another process be the client; counts from its being warm until it is done.
    private static func runClientProcess(url: String, width: Int) throws {
        let client = Process()
        let orders = Pipe()
        let answers = Pipe()
        client.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        client.arguments = ["client", url, String(width)]
        client.standardInput = orders
        client.standardOutput = answers
        try client.run()
        // What this thread does meanwhile, waiting for the client, is not the server's.
        tern_allocations_exempt(1)
        defer { tern_allocations_exempt(0) }
        guard answers.fileHandleForReading.availableData.count > 0 else {
            throw ClientError.failed
        }
        tern_allocations_count(1)
        orders.fileHandleForWriting.write(Data([1]))
        let isDone = answers.fileHandleForReading.availableData.count > 0
        tern_allocations_count(0)
        orders.fileHandleForWriting.write(Data([1]))
        client.waitUntilExit()
        guard isDone, client.terminationStatus == 0 else { throw ClientError.failed }
    }
}

/// Exempts the alarm clock's thread, once and for all.
private final class ExemptingAlarm: Alarm, @unchecked Sendable {
    override func ring() { tern_allocations_exempt(1) }
}

/// Why the count means nothing.
private enum ClientError: Error {
    /// The client got no, or a wrong, reply.
    case failed
    /// There is no memory for a request.
    case outOfMemory
}

/// One request, made once and sent over and over.
private struct RequestTemplate {
    let frame: [UInt8]

    init(width: Int) throws {
        let request = ModelInferRequest(
            modelName: "identity",
            requestID: "allocations",
            wantsPhaseTimes: true,
            inputs: [
                TensorOutline(
                    name: "x",
                    elementType: .fp32,
                    shape: [1, width],
                    payloadByteCount: 4 * width
                )
            ]
        )
        let measure = try request.measure()
        var frame = [UInt8](repeating: 0, count: measure.byteCount)
        var elements = frame.mutableSpan
        var bytes = unsafe elements.mutableBytes
        let options = RequestOptions(correlationID: 1, budgetMicroseconds: 60_000_000)
        request.write(options, measure: measure, into: &bytes) { _, payload in
            for offset in 0..<payload.byteCount {
                payload.storeBytes(
                    of: UInt8(truncatingIfNeeded: offset),
                    toByteOffset: offset,
                    as: UInt8.self
                )
            }
        }
        self.frame = frame
    }

    func message(from buffers: BufferPool) throws -> MessageBuffer {
        guard var message = buffers.take(byteCount: frame.count) else {
            throw ClientError.outOfMemory
        }
        var bytes = message.mutableBytes
        unsafe bytes.copyBytes(from: frame.span.bytes, at: 0)
        return message
    }
}

/// Waits for one reply after the other.
private final class ReplyCounter: Sendable {
    private let arrived = DispatchSemaphore(value: 0)
    private let wrong = Locked(0)

    /// Takes a reply; it is right if it was successful.
    func take(_ result: consuming Result<MessageBuffer, TransportError>) {
        tern_allocations_exempt(1)
        if case .success(let reply) = consume result,
            let header = try? FrameHeader(decoding: reply.bytes), header.status == .ok
        {
        } else {
            wrong.withLock { $0 += 1 }
        }
        arrived.signal()
        tern_allocations_exempt(0)
    }

    /// Waits for a reply.
    func wait() { arrived.wait() }

    /// How many were not successful.
    var wrongCount: Int { wrong.withLock { $0 } }
}

/// A client in the server's process.
private struct InProcessClient {
    let template: RequestTemplate

    init(width: Int) throws { template = try RequestTemplate(width: width) }

    func run() throws {
        tern_allocations_exempt(1)
        defer { tern_allocations_exempt(0) }
        let channel = InProcessChannel(
            connectingTo: "allocations",
            buffers: BufferPool(limitByteCount: 1 << 28)
        )
        let replies = ReplyCounter()
        let completion: RequestChannel.Completion = { replies.take($0) }
        for _ in 0..<Allocations.warmUpCount / Allocations.warmUpWidth {
            for _ in 0..<Allocations.warmUpWidth {
                let message = try template.message(from: channel.buffers)
                _ = channel.call(message, completion: completion)
            }
            for _ in 0..<Allocations.warmUpWidth { replies.wait() }
        }
        tern_allocations_count(1)
        for _ in 0..<Allocations.requestCount {
            let message = try template.message(from: channel.buffers)
            // From here the request runs into the server, on this thread.
            tern_allocations_exempt(0)
            _ = channel.call(message, completion: completion)
            tern_allocations_exempt(1)
            replies.wait()
        }
        tern_allocations_count(0)
        channel.close()
        guard replies.wrongCount == 0 else { throw ClientError.failed }
    }
}

/// A client in a process of its own: warms the server up, says so, waits, calls, says so, waits.
private struct NNGClient {
    let url: String
    let template: RequestTemplate

    init(url: String, width: Int) throws {
        self.url = url
        template = try RequestTemplate(width: width)
    }

    func run() throws {
        let channel = try NNGChannel(url: url)
        let replies = ReplyCounter()
        let completion: RequestChannel.Completion = { replies.take($0) }
        for (count, width) in [
            (Allocations.warmUpCount, Allocations.warmUpWidth), (Allocations.requestCount, 1),
        ] {
            for _ in 0..<count / width {
                for _ in 0..<width {
                    let message = try template.message(from: channel.buffers)
                    _ = channel.call(message, completion: completion)
                }
                for _ in 0..<width { replies.wait() }
            }
            guard replies.wrongCount == 0 else { throw ClientError.failed }
            try FileHandle.standardOutput.write(contentsOf: Data([1]))
            _ = FileHandle.standardInput.availableData
        }
        channel.close()
    }
}
