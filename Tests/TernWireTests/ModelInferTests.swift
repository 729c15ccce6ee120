import TernTensor
import TernWire
import Testing

struct ModelInferTests {
    @Test func `a request comes back as it was written`() throws {
        let request = ModelInferRequest(
            modelName: "digits",
            selection: .version(3),
            requestID: "r-1",
            wantedOutputs: ["probabilities"],
            wantsPhaseTimes: true,
            inputs: [
                TensorOutline(
                    name: "pixels",
                    elementType: .fp32,
                    shape: [1, 4],
                    payloadByteCount: 16
                )
            ]
        )
        let measure = try request.measure()
        var frame = [UInt8](repeating: 0xAA, count: measure.byteCount)
        var elements = frame.mutableSpan
        var bytes = unsafe elements.mutableBytes
        request.write(RequestOptions(correlationID: 7), measure: measure, into: &bytes) {
            index,
            payload in
            #expect(index == 0)
            payload.zero(0..<payload.byteCount)
        }
        let view = try ModelInferRequestView(decoding: unsafe frame.span.bytes)
        let name = view.modelName.utf8String
        #expect(name == "digits")
        var inputs = view.inputs
        while let input = inputs.next() {
            #expect(input.shape == [1, 4])
        }
    }
}
