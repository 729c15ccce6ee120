import TernServer
import TernTensor
import TernWire
import Testing

/// Requests that the model cannot take are refused before they are queued, and the error names what
/// is wrong, what was expected and what was found.
@Suite struct ValidationTests {
    /// A model with two inputs that share an axis.
    private static let pair = EchoModel(inputs: [
        TensorDescriptor(
            name: "left",
            elementType: .fp32,
            dimensions: [.symbolic("batch"), .fixed(3)]
        ),
        TensorDescriptor(
            name: "right",
            elementType: .int64,
            dimensions: [.symbolic("batch"), .symbolic("side"), .symbolic("side")]
        ),
    ])

    /// What is wrong with one request, and what its error must say.
    struct Defect: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var model = "pair"
        var selection = ModelSelection.automatic
        var inputs: [(name: String, type: ElementType, shape: Shape)] = [
            ("left", .fp32, [2, 3]), ("right", .int64, [2, 5, 5]),
        ]
        var wantedOutputs: [String] = []
        let code: StatusCode
        var subject: String?
        var expected: String?
        var found: String?
    }

    private static let defects = [
        Defect(
            testDescription: "no such model",
            model: "pear",
            code: .notFound,
            subject: "model 'pear'",
            expected: "the name of a model in the repository",
            found: "'pear'"
        ),
        Defect(
            testDescription: "no such version",
            selection: .version(7),
            code: .notFound,
            subject: "version 7 of model 'pair'",
            expected: "one of 1",
            found: "7"
        ),
        Defect(
            testDescription: "labels are not known",
            selection: .label("stable"),
            code: .notFound,
            subject: "label 'stable' of model 'pair'",
            expected: "a version number, or neither version nor label",
            found: "'stable'"
        ),
        Defect(
            testDescription: "an input too few",
            inputs: [("left", .fp32, [2, 3])],
            code: .invalidArgument,
            subject: "input 'right'",
            expected: "right: INT64[batch, side, side]",
            found: "1 of 2 inputs"
        ),
        Defect(
            testDescription: "no inputs at all",
            inputs: [],
            code: .invalidArgument,
            subject: "input 'left'",
            expected: "left: FP32[batch, 3]",
            found: "0 of 2 inputs"
        ),
        Defect(
            testDescription: "an input of another name",
            inputs: [("left", .fp32, [2, 3]), ("rihgt", .int64, [2, 5, 5])],
            code: .invalidArgument,
            subject: "input 'rihgt'",
            expected: "'left', 'right'",
            found: "'rihgt'"
        ),
        Defect(
            testDescription: "an input too many",
            inputs: [
                ("left", .fp32, [2, 3]), ("right", .int64, [2, 5, 5]), ("more", .bool, [1]),
            ],
            code: .invalidArgument,
            subject: "input 'more'",
            expected: "'left', 'right'",
            found: "'more'"
        ),
        Defect(
            testDescription: "another type of the same size",
            inputs: [("left", .int32, [2, 3]), ("right", .int64, [2, 5, 5])],
            code: .invalidArgument,
            subject: "input 'left'",
            expected: "FP32",
            found: "INT32"
        ),
        Defect(
            testDescription: "an axis too few",
            inputs: [("left", .fp32, [3]), ("right", .int64, [2, 5, 5])],
            code: .invalidArgument,
            subject: "input 'left'",
            expected: "[batch, 3]",
            found: "[3]"
        ),
        Defect(
            testDescription: "a scalar",
            inputs: [("left", .fp32, []), ("right", .int64, [2, 5, 5])],
            code: .invalidArgument,
            subject: "input 'left'",
            expected: "[batch, 3]",
            found: "[]"
        ),
        Defect(
            testDescription: "an axis too many",
            inputs: [("left", .fp32, [2, 3]), ("right", .int64, [2, 5, 5, 1])],
            code: .invalidArgument,
            subject: "input 'right'",
            expected: "[batch, side, side]",
            found: "[2, 5, 5, 1]"
        ),
        Defect(
            testDescription: "another size along a fixed axis",
            inputs: [("left", .fp32, [2, 4]), ("right", .int64, [2, 5, 5])],
            code: .invalidArgument,
            subject: "input 'left'",
            expected: "[batch, 3]",
            found: "[2, 4]"
        ),
        Defect(
            testDescription: "two sizes for one name, in one input",
            inputs: [("left", .fp32, [2, 3]), ("right", .int64, [2, 5, 6])],
            code: .invalidArgument,
            subject: "input 'right'",
            expected: "[batch, side, side]",
            found: "[2, 5, 6]"
        ),
        Defect(
            testDescription: "two sizes for one name, in two inputs",
            inputs: [("left", .fp32, [2, 3]), ("right", .int64, [4, 5, 5])],
            code: .invalidArgument,
            subject: "input 'right'",
            expected: "[batch, side, side]",
            found: "[4, 5, 5]"
        ),
        Defect(
            testDescription: "two sizes for one name, in another order than the model's",
            inputs: [("right", .int64, [4, 5, 5]), ("left", .fp32, [2, 3])],
            code: .invalidArgument,
            subject: "input 'right'",
            expected: "[batch, side, side]",
            found: "[4, 5, 5]"
        ),
        Defect(
            testDescription: "an output that isn't there",
            wantedOutputs: ["out left", "out"],
            code: .invalidArgument,
            subject: "output 'out'",
            expected: "'out left', 'out right'",
            found: "'out'"
        ),
    ]

    private static func frame(of defect: Defect, correlationID: UInt64) throws -> [UInt8] {
        let outlines = try defect.inputs.map { name, type, shape in
            TensorOutline(
                name: name,
                elementType: type,
                shape: shape,
                payloadByteCount: try #require(shape.byteCount(of: type))
            )
        }
        let request = ModelInferRequest(
            modelName: defect.model,
            selection: defect.selection,
            wantedOutputs: defect.wantedOutputs,
            inputs: outlines
        )
        return try request.frame(
            RequestOptions(correlationID: correlationID),
            payloads: outlines.map { [UInt8](repeating: 0, count: $0.payloadByteCount) }
        )
    }

    @Test(arguments: defects)
    func `a defect is named, with what was expected and what was found`(
        _ defect: Defect
    ) async throws {
        let test = try TestServer(in: .inProcess, models: ["pair": Self.pair])
        let caller = RawCaller(try test.channel())
        let reply = try await caller.exchange(Self.frame(of: defect, correlationID: 77))
        #expect(try header(of: reply).correlationID == 77)
        #expect(try header(of: reply).kind == .modelInfer)
        let error = try errorReply(in: reply)
        #expect(error.code == defect.code)
        #expect(error.subject == defect.subject)
        #expect(error.expected == defect.expected)
        #expect(error.found == defect.found)
        #expect(test.server.counters.admittedCount == 0)
        #expect(test.server.counters.invalidCount == 1)

        let good = Defect(testDescription: "none", code: .ok)
        let next = try await caller.exchange(Self.frame(of: good, correlationID: 78))
        #expect(try header(of: next).status == .ok)
    }

    @Test(arguments: World.allCases)
    func `a frame that is not understood is answered with what is wrong, and life goes on`(
        _ world: World
    ) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel()])
        let caller = RawCaller(try test.channel())
        let good = try inferFrame("echo", [1, 2, 3], correlationID: 5)

        let nothing = try await caller.exchange([])
        #expect(try errorReply(in: nothing).code == .invalidArgument)
        #expect(try header(of: nothing).correlationID == 0)

        let short = try await caller.exchange(Array(good.dropLast()))
        #expect(try errorReply(in: short).code == .invalidArgument)
        #expect(try header(of: short).correlationID == 5)

        let long = try await caller.exchange(good + [0])
        #expect(try errorReply(in: long).code == .invalidArgument)

        var unknownKind = good
        unknownKind[14] = 200
        let kind = try await caller.exchange(unknownKind)
        #expect(try errorReply(in: kind).code == .unimplemented)
        #expect(try header(of: kind).kindCode == 200)
        #expect(try header(of: kind).correlationID == 5)

        var newer = good
        newer[12] = 2
        let version = try await caller.exchange(newer)
        #expect(try errorReply(in: version).code == .unimplemented)
        #expect(try errorReply(in: version).supportedVersions == [1])

        var reply = good
        reply[16] |= 1
        let direction = try await caller.exchange(reply)
        #expect(try errorReply(in: direction).code == .invalidArgument)

        let answer = try await caller.exchange(good)
        #expect(try header(of: answer).status == .ok)
        #expect(test.server.inFlightCount == 0)
    }

    @Test(arguments: World.allCases)
    func `a frame over the limit is answered without being read into memory`(
        _ world: World
    ) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel()]) {
            $0.limits.wire.frameByteCount = 100_000
        }
        let caller = RawCaller(try test.channel())
        let long = try inferFrame("echo", [Float](repeating: 1, count: 50_000), correlationID: 9)
        let reply = try await caller.exchange(long)
        #expect(try errorReply(in: reply).code == .invalidArgument)
        #expect(try errorReply(in: reply).expected == "at most 100000 bytes")
        #expect(try errorReply(in: reply).found == "\(long.count) bytes")
        #expect(try header(of: reply).correlationID == 9)
        let answer = try await caller.exchange(try inferFrame("echo", [1]))
        #expect(try header(of: answer).status == .ok)
    }
}
