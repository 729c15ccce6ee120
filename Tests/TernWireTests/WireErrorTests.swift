import TernWire
import Testing

struct WireErrorTests {
    @Test(arguments: WireDefect.allCases)
    func `every defect is told in a sentence`(_ defect: WireDefect) {
        let error = WireError(defect, at: 7, field: .tensor, expected: 12, found: 13)
        #expect(error.description.contains(defect.rawValue))
        #expect(error.description.contains("byte 7"))
        #expect(error.subject == "field tensor")
        #expect(error.expectedDescription != nil)
    }

    @Test func `an error names the thing, what was expected and what was found`() {
        let error = WireError(.nameTooLong, at: 68, field: .modelName, expected: 256, found: 300)
        #expect(
            error.description
                == "field model_name is wrong (name-too-long) at byte 68: expected at most 256, found 300"
        )
    }

    @Test func `a message that is too long to be read is cut in whole characters`() throws {
        let message = String(repeating: "é", count: 4000)
        let frame = ErrorReply(code: .internal, message: message)
            .encoded(to: FrameHeader(kindCode: 6, correlationID: 1))
        let reply = try ErrorReply(decoding: unsafe frame.span.bytes)
        #expect(reply.message == String(repeating: "é", count: 2048))
    }

    @Test func `an error reply with the code of success cannot be made`() async {
        await #expect(processExitsWith: .failure) {
            _ = ErrorReply(code: .ok, message: "well")
        }
    }
}
