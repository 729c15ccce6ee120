import Testing

@testable import tern

struct ModelReferenceTests {
    @Test func `a name alone leaves the version to the server`() throws {
        let reference = try ModelReference("digits")
        #expect(reference.name == "digits")
        #expect(reference.version == nil)
        #expect(reference.label == nil)
    }

    @Test func `a number after the colon is a version, a word is a label`() throws {
        #expect(try ModelReference("digits:3").version == 3)
        #expect(try ModelReference("digits:stable").label == "stable")
        #expect(try ModelReference("digits:stable").version == nil)
    }

    @Test(arguments: ["", ":", ":3", "digits:"])
    func `what names no model is refused`(_ text: String) {
        #expect(throws: Failure.self) { try ModelReference(text) }
    }
}
