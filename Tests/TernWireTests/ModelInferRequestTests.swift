import TernTensor
import TernWire
import Testing

struct ModelInferRequestTests {
    private let everything = Vector.valid(named: "infer-request-everything").frame

    @Test func `a view gives every part of a request`() throws {
        let view = try ModelInferRequestView(decoding: unsafe everything.span.bytes)
        expect(view.modelName, spells: "digits")
        let index = view.index
        #expect(index.version == 3)
        #expect(index.header.microseconds == 5000)
        #expect(index.header.priority == 7)
        #expect(index.header.idempotencyKey?.description == "000102030405060708090a0b0c0d0e0f")
        #expect(index.header.wantsPhaseTimes)
        #expect(index.inputs.count == 2)
        #expect(index.wantedOutputs.count == 2)
        #expect(index.label == nil)
        guard let requestID = view.requestID else {
            Issue.record("the request id is missing")
            return
        }
        expect(requestID, spells: "order 66/a")
    }

    @Test func `a label is a view too`() throws {
        let frame = Vector.valid(named: "infer-request-label").frame
        let view = try ModelInferRequestView(decoding: unsafe frame.span.bytes)
        guard let label = view.label else {
            Issue.record("the label is missing")
            return
        }
        expect(label, spells: "canary")
        #expect(view.index.requestID == nil)
    }

    @Test func `inputs and outputs can be walked more than once`() throws {
        let view = try ModelInferRequestView(decoding: unsafe everything.span.bytes)
        for _ in 0..<2 {
            var names: [String] = []
            var inputs = view.inputs
            while let input = inputs.next() { names.append(input.name.utf8String) }
            #expect(names == ["pixels", "mask"])
            var wanted: [String] = []
            var outputs = view.wantedOutputs
            while let output = outputs.next() { wanted.append(output.utf8String) }
            #expect(wanted == ["probabilities", "label"])
        }
    }

    @Test func `an index finds the parts again without checking`() throws {
        let index = try ModelInferRequestIndex(decoding: unsafe everything.span.bytes)
        let copy = everything
        let view = ModelInferRequestView(unsafe copy.span.bytes, index: index)
        expect(view.modelName, spells: "digits")
    }

    @Test func `an index of a frame with another length is a mistake`() async {
        await #expect(processExitsWith: .failure) {
            let frame = Vector.valid(named: "infer-request").frame
            let index = try ModelInferRequestIndex(decoding: unsafe frame.span.bytes)
            let longer = frame + [0]
            _ = ModelInferRequestView(unsafe longer.span.bytes, index: index)
        }
    }

    @Test func `payloads start at 60 modulo 64 and never overlap`() throws {
        let frame = Vector.valid(named: "infer-request-every-type").frame
        let view = try ModelInferRequestView(decoding: unsafe frame.span.bytes)
        var previousEnd = view.header.fieldsEnd
        var inputs = view.inputs
        while let input = inputs.next() {
            let start = offset(of: input.payload, in: view.frame)
            #expect(start % 64 == 60)
            #expect(start >= previousEnd && start - previousEnd < 64)
            previousEnd = start + input.payload.byteCount
        }
        #expect(previousEnd == frame.count)
    }

    @Test(arguments: [
        (ModelInferRequest(modelName: "", inputs: []), WireDefect.nameEmpty),
        (ModelInferRequest(modelName: "a\nb", inputs: []), .nameHasControlCharacter),
        (
            ModelInferRequest(modelName: String(repeating: "n", count: 257), inputs: []),
            .nameTooLong
        ),
        (ModelInferRequest(modelName: "m", selection: .version(0), inputs: []), .valueOutOfRange),
        (ModelInferRequest(modelName: "m", selection: .label(""), inputs: []), .nameEmpty),
        (
            ModelInferRequest(modelName: "m", requestID: "\u{7F}", inputs: []),
            .nameHasControlCharacter
        ),
        (ModelInferRequest(modelName: "m", wantedOutputs: ["a", "a"], inputs: []), .nameDuplicate),
        (
            ModelInferRequest(
                modelName: "m",
                wantedOutputs: (0..<129).map { "o\($0)" },
                inputs: []
            ), .wantedOutputCountTooLarge
        ),
        (
            ModelInferRequest(modelName: "m", inputs: (0..<129).map { .scalar("i\($0)") }),
            .tensorCountTooLarge
        ),
        (ModelInferRequest(modelName: "m", inputs: [.scalar("x"), .scalar("x")]), .nameDuplicate),
        (
            ModelInferRequest(modelName: "m", inputs: [.vector(.fp32, count: 4, byteCount: 15)]),
            .payloadLengthMismatch
        ),
        (
            ModelInferRequest(modelName: "m", inputs: [.vector(.fp32, count: .max, byteCount: 0)]),
            .shapeOverflow
        ),
        (
            ModelInferRequest(
                modelName: "m",
                inputs: [.vector(.bytes, count: (1 << 20) + 1, byteCount: 4)]
            ), .bytesElementCountTooLarge
        ),
        (
            ModelInferRequest(
                modelName: "m",
                inputs: [.vector(.uint8, count: 256 << 20, byteCount: 256 << 20)]
            ), .frameTooLarge
        ),
        (
            ModelInferRequest(
                modelName: "m",
                inputs: [.vector(.bytes, count: 1, byteCount: .max)]
            ), .frameTooLarge
        ),
    ])
    func `a request that the server would refuse is refused before it is sent`(
        _ request: ModelInferRequest,
        _ defect: WireDefect
    ) {
        #expect { try request.measure() } throws: { ($0 as? WireError)?.defect == defect }
    }

    @Test func `an error from the source of a payload reaches the caller`() throws {
        struct Failure: Error, Equatable {}
        let request = ModelInferRequest(modelName: "m", inputs: [.scalar("x")])
        let measure = try request.measure()
        #expect(throws: Failure()) {
            var frame = [UInt8](repeating: 0, count: measure.byteCount)
            var elements = frame.mutableSpan
            var bytes = unsafe elements.mutableBytes
            try request.write(RequestOptions(correlationID: 1), measure: measure, into: &bytes) {
                _,
                _ throws(Failure) in
                throw Failure()
            }
        }
    }

    @Test func `a request is written only into exactly as many bytes as it needs`() async {
        await #expect(processExitsWith: .failure) {
            let request = ModelInferRequest(modelName: "m", inputs: [])
            let measure = try request.measure()
            var frame = [UInt8](repeating: 0, count: measure.byteCount + 1)
            var elements = frame.mutableSpan
            var bytes = unsafe elements.mutableBytes
            request.write(RequestOptions(correlationID: 1), measure: measure, into: &bytes) {
                _,
                _ in
            }
        }
    }

    private func expect(_ bytes: RawSpan, spells text: String) {
        let isSame = bytes.spells(text)
        #expect(isSame, "\(bytes.utf8String) is not \(text)")
    }

    private func offset(of part: RawSpan, in frame: RawSpan) -> Int {
        unsafe part.withUnsafeBytes { part in
            unsafe frame.withUnsafeBytes { frame in
                guard let start = part.baseAddress, let base = frame.baseAddress
                else { return -1 }
                return unsafe start - base
            }
        }
    }
}

extension TensorOutline {
    static func scalar(_ name: String) -> TensorOutline {
        TensorOutline(name: name, elementType: .uint8, shape: [], payloadByteCount: 1)
    }

    static func vector(_ type: ElementType, count: Int, byteCount: Int) -> TensorOutline {
        TensorOutline(
            name: "x",
            elementType: type,
            shape: Shape([count]),
            payloadByteCount: byteCount
        )
    }
}
