import TernTensor
import TernWire
import Testing

struct ModelInferReplyTests {
    @Test func `phase times are written last and sum to the total`() throws {
        var measure = ModelInferReplyWriter.measure(withPhaseTimes: true)
        measure.addTensor(nameByteCount: 1, rank: 1, payloadByteCount: 3)
        let name = Array("y".utf8)
        let frame = DecodedFrame.withFrame(byteCount: measure.byteCount) { bytes in
            var writer = ModelInferReplyWriter(
                correlationID: 9,
                version: 2,
                withPhaseTimes: true,
                measure: measure,
                into: &bytes
            )
            let place = writer.append(
                name: unsafe name.span.bytes,
                elementType: .uint8,
                shape: [3],
                payloadByteCount: 3,
                into: &bytes
            )
            for index in 0..<3 {
                bytes.storeLittleEndian(UInt8(index + 1), at: place.offset + index)
            }
            let times = PhaseTimes(
                receiveNanoseconds: 1,
                queueNanoseconds: 2,
                batchWaitNanoseconds: 3,
                computeNanoseconds: 4,
                encodeNanoseconds: 5
            )
            writer.finish(phaseTimes: times, into: &bytes)
        }
        let view = try ModelInferReplyView(decoding: unsafe frame.span.bytes)
        let header = view.header
        let version = view.version
        let total = view.phaseTimes?.totalNanoseconds
        #expect(header.correlationID == 9)
        #expect(version == 2)
        #expect(total == 15)
        var outputs = view.outputs
        let output = outputs.next()
        let payload = output?.payload.copied
        #expect(payload == [1, 2, 3])
        let isEmpty = outputs.next() == nil
        #expect(isEmpty)
    }

    @Test(arguments: 0..<200)
    func `any tensors come back as they were written`(_ seed: Int) throws {
        var generator = SplitMix(state: UInt64(seed))
        var reply = DecodedFrame.InferReply(
            correlationID: generator.next(),
            version: 1 + generator.next() % 9
        )
        for index in 0..<Int.random(in: 0...5, using: &generator) {
            let type = ElementType.allCases.randomElement(using: &generator) ?? .fp32
            let rank = Int.random(in: 0...8, using: &generator)
            let shape = Shape((0..<rank).map { _ in Int.random(in: 0...3, using: &generator) })
            let payload = payload(of: type, count: shape.elementCount, &generator)
            reply.outputs.append(
                TensorOutline(
                    name: String(repeating: "n", count: 1 + index * 7),
                    elementType: type,
                    shape: shape,
                    payloadByteCount: payload.count
                )
            )
            reply.payloads.append(payload)
        }
        let frame = reply.encoded()
        guard case .inferReply(let readBack) = try DecodedFrame(unsafe frame.span.bytes) else {
            Issue.record("a reply was read as something else")
            return
        }
        #expect(readBack == reply)
    }

    @Test func `an output that was measured must be written`() async {
        await #expect(processExitsWith: .failure) {
            var measure = ModelInferReplyWriter.measure(withPhaseTimes: false)
            measure.addTensor(nameByteCount: 1, rank: 0, payloadByteCount: 0)
            _ = DecodedFrame.withFrame(byteCount: measure.byteCount) { bytes in
                let writer = ModelInferReplyWriter(
                    correlationID: 1,
                    version: 1,
                    withPhaseTimes: false,
                    measure: measure,
                    into: &bytes
                )
                writer.finish(phaseTimes: nil, into: &bytes)
            }
        }
    }

    @Test func `an output that was not measured does not fit`() async {
        await #expect(processExitsWith: .failure) {
            let measure = ModelInferReplyWriter.measure(withPhaseTimes: false)
            let name = Array("y".utf8)
            _ = DecodedFrame.withFrame(byteCount: measure.byteCount) { bytes in
                var writer = ModelInferReplyWriter(
                    correlationID: 1,
                    version: 1,
                    withPhaseTimes: false,
                    measure: measure,
                    into: &bytes
                )
                _ = writer.append(
                    name: unsafe name.span.bytes,
                    elementType: .uint8,
                    shape: [],
                    payloadByteCount: 1,
                    into: &bytes
                )
            }
        }
    }

    /// Bytes that are right for the type.
    private func payload(
        of type: ElementType,
        count: Int,
        _ generator: inout SplitMix
    ) -> [UInt8] {
        switch type {
        case .bytes:
            (0..<count).flatMap { _ in
                let length = UInt8.random(in: 0...9, using: &generator)
                return [length, 0, 0, 0] + [UInt8](repeating: 0xFF, count: Int(length))
            }
        case .bool: (0..<count).map { _ in .random(in: 0...1, using: &generator) }
        default:
            (0..<count * (type.byteCount ?? 0)).map { _ in
                .random(in: 0...255, using: &generator)
            }
        }
    }
}

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
