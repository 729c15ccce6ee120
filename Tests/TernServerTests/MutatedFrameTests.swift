import Synchronization
import TernServer
import TernTransport
import TernWire
import Testing

/// A small generator of random numbers with a seed, so that a failure can be repeated.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

/// Frames that were good until something was changed in them, against a live server.
@Suite struct MutatedFrameTests {
    /// A frame of each kind of call.
    private static func validFrames() throws -> [[UInt8]] {
        let options = RequestOptions(
            correlationID: 11,
            idempotencyKey: IdempotencyKey(low: 3, high: 4)
        )
        let model = ModelReference(name: "echo", selection: .version(1))
        return [
            try inferFrame("echo", [1, 2, 3], correlationID: 11),
            try inferFrame("echo", [4], wantedOutputs: ["out x"], wantsPhaseTimes: true),
            try inferFrame("echo", [5, 6], selection: .version(1)),
            ServerLiveRequest().encoded(options),
            ServerReadyRequest().encoded(options),
            ServerMetadataRequest().encoded(options),
            ModelReadyRequest(model: model).encoded(options),
            ModelMetadataRequest(model: model).encoded(options),
            RepositoryIndexRequest(readyOnly: false).encoded(options),
            RepositoryModelLoadRequest(model: model).encoded(options),
            RepositoryModelUnloadRequest(model: ModelReference(name: "none")).encoded(options),
            CancelRequest(.correlationID(5)).encoded(options),
        ]
    }

    /// Changes a frame in one of the ways that wires, bugs and attackers do.
    private static func mutate(_ frame: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var frame = frame
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !frame.isEmpty else { return frame }
            let place = Int.random(in: 0..<frame.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: frame[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: frame[place] = .random(in: 0...255, using: &random)
            case 2: frame[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
            case 3: frame.removeSubrange(place...)
            case 4: frame.remove(at: place)
            case 5: frame.insert(.random(in: 0...255, using: &random), at: place)
            case 6:
                // Numbers of 4 bytes stand at multiples of 4.
                let start = place & ~3
                for offset in start..<min(start + 4, frame.count) {
                    frame[offset] = [0, 0xFF].randomElement(using: &random) ?? 0
                }
            default:
                let length = min(Int.random(in: 1...16, using: &random), frame.count - place)
                frame.append(contentsOf: frame[place..<place + length])
            }
        }
        // A frame whose length is right gets further.
        if frame.count >= 8, Bool.random(using: &random) {
            for offset in 0..<8 {
                frame[offset] = UInt8(truncatingIfNeeded: UInt64(frame.count) >> (8 * offset))
            }
        }
        return frame
    }

    @Test(arguments: World.allCases)
    func `each changed frame gets one reply of its own, and the next good request is answered`(
        _ world: World
    ) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel()])
        let caller = RawCaller(try test.channel())
        let valid = try Self.validFrames()
        var random = SplitMix(state: 20_261_124)
        let width = 16
        var errorCount = 0
        for round in 0..<150 {
            let frames = (0..<width).map { _ in
                Self.mutate(valid.randomElement(using: &random) ?? [], &random)
            }
            let replies = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
                for (index, frame) in frames.enumerated() {
                    group.addTask { (index, try await caller.exchange(frame)) }
                }
                return try await group.reduce(into: [(Int, [UInt8])]()) { $0.append($1) }
            }
            for (index, reply) in replies {
                let frame = frames[index]
                let envelope = unsafe ReplyEnvelope(readingFrom: frame.span.bytes)
                let header = try header(of: reply)
                #expect(header.isReply)
                #expect(header.correlationID == envelope.correlationID)
                #expect(header.kindCode == envelope.kindCode)
                if header.status != .ok {
                    errorCount += 1
                    #expect(throws: Never.self) { try errorReply(in: reply) }
                }
            }
            // What a good request gets back holds nothing of the others.
            let values = [Float(round), -Float(round)]
            let good = try await caller.exchange(
                try inferFrame("echo", values, correlationID: UInt64(round))
            )
            #expect(try header(of: good).status == .ok)
            #expect(try header(of: good).correlationID == UInt64(round))
            let expected = values.flatMap { value in
                (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
            }
            #expect(try Self.firstPayload(of: good) == expected)
        }
        #expect(errorCount > 1000)
        #expect(try await eventually { test.server.inFlightCount == 0 })
    }

    private static func firstPayload(of reply: [UInt8]) throws -> [UInt8]? {
        let view = try unsafe ModelInferReplyView(decoding: reply.span.bytes)
        var outputs = view.outputs
        guard let output = outputs.next() else { return nil }
        return unsafe output.payload.withUnsafeBytes { unsafe Array($0) }
    }
}
