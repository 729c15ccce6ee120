import Foundation
import TernWire
import Testing

/// Walks the files that every implementation of the protocol is tested with.
struct VectorTests {
    @Test func `there are as many vectors as the specification promises`() {
        #expect(Vector.valid.count >= 30)
        #expect(Vector.invalid.count >= 60)
    }

    @Test(arguments: Vector.valid)
    func `a valid frame means what its file says`(_ vector: Vector) throws {
        let decoded = try DecodedFrame(unsafe vector.frame.span.bytes)
        #expect(decoded.meaning == vector["meaning"])
    }

    @Test(arguments: Vector.valid)
    func `a valid frame is encoded to the same bytes again`(_ vector: Vector) throws {
        let encoded = try DecodedFrame(unsafe vector.frame.span.bytes).encoded()
        let canonical = vector.string("reencodes_to").map(Vector.valid(named:)) ?? vector
        #expect(encoded == canonical.frame)
    }

    @Test(arguments: Vector.invalid)
    func `an invalid frame is refused for the reason its file gives`(_ vector: Vector) {
        let error = refusal(of: vector)
        #expect(error?.defect.rawValue == vector.string("defect"))
        #expect(error?.code.name == vector.string("code"))
    }

    @Test(arguments: Vector.invalid)
    func `a refusal becomes an error reply that can be read back`(_ vector: Vector) throws {
        let error = try #require(refusal(of: vector))
        let reply = ErrorReply(error)
        let envelope = ReplyEnvelope(readingFrom: unsafe vector.frame.span.bytes)
        let frame = reply.encoded(to: envelope)
        #expect(try ErrorReply(decoding: unsafe frame.span.bytes) == reply)
        #expect(reply.message.contains(error.defect.rawValue))
        #expect(reply.expected != nil, "what was expected must be said: \(reply.message)")
    }

    @Test(arguments: Vector.valid)
    func `a frame cut short anywhere is refused`(_ vector: Vector) {
        for byteCount in 0..<vector.frame.count {
            let cut = Array(vector.frame[..<byteCount])
            #expect(throws: WireError.self, "\(byteCount) bytes of \(vector.name)") {
                try DecodedFrame(unsafe cut.span.bytes)
            }
        }
    }

    @Test func `every defect has a vector`() {
        let shown = Set(Vector.invalid.compactMap { $0.string("defect") })
        #expect(shown == Set(WireDefect.allCases.map(\.rawValue)))
    }

    /// Reads an invalid vector as its file asks; `nil` if nothing is found to be wrong.
    private func refusal(of vector: Vector) -> WireError? {
        let frame = unsafe vector.frame.span.bytes
        let limits = limits(of: vector)
        do throws(WireError) {
            switch vector["expect"] {
            case nil:
                _ = try DecodedFrame(frame, limits: limits)
            case .object(["kind": .string("ModelInfer"), "reply": .bool(false)]):
                _ = try ModelInferRequestIndex(decoding: frame, limits: limits)
            default:
                _ = try ModelInferReplyView(decoding: frame, limits: limits)
            }
            return nil
        } catch {
            return error
        }
    }

    private func limits(of vector: Vector) -> WireLimits {
        var limits = WireLimits.standard
        if case .object(let named) = vector["limits"],
            case .unsigned(let count) = named["field_count"]
        {
            limits.fieldCount = Int(count)
        }
        return limits
    }
}

/// `Protocol/error-codes.json` and the code must tell the same story.
struct ErrorCodeTests {
    private struct Document: Decodable {
        struct Code: Decodable {
            struct Neighbour: Decodable {
                let name: String
                let when: String
            }
            let code: UInt16
            let name: String
            let use: String
            let retry: String
            let hint: String
            let instead: [Neighbour]
        }
        struct Defect: Decodable {
            let id: String
            let code: String
        }
        let codes: [Code]
        let defects: [Defect]
    }

    private let document: Document

    init() throws {
        let file = Vector.protocolFolder.appending(path: "error-codes.json")
        document = try JSONDecoder().decode(Document.self, from: Data(contentsOf: file))
    }

    @Test func `the file lists gRPC's codes, and so does the library`() {
        #expect(document.codes.map(\.code) == StatusCode.allCases.map(\.rawValue))
        #expect(document.codes.map(\.name) == StatusCode.allCases.map(\.name))
    }

    @Test func `each failure names a neighbour that exists`() {
        let names = Set(document.codes.map(\.name))
        for code in document.codes where code.code != 0 {
            #expect(!code.instead.isEmpty, "\(code.name)")
            for neighbour in code.instead {
                #expect(names.contains(neighbour.name) && neighbour.name != code.name)
            }
        }
    }

    @Test func `only overload always has a retry hint`() {
        #expect(document.codes.filter { $0.hint == "always" }.map(\.name) == ["RESOURCE_EXHAUSTED"])
    }

    @Test func `every defect has the code that the file gives it`() {
        let listed = Dictionary(uniqueKeysWithValues: document.defects.map { ($0.id, $0.code) })
        #expect(listed.count == WireDefect.allCases.count)
        for defect in WireDefect.allCases {
            #expect(listed[defect.rawValue] == defect.code.name, "\(defect.rawValue)")
        }
    }
}
