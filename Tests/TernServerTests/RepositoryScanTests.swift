import Testing

@testable import TernServer

@Suite struct ModelNameTests {
    @Test(arguments: ["a", "digits_cnn", "Größe-2", "a.b", String(repeating: "x", count: 255)])
    func `an ordinary name is good`(_ name: String) {
        #expect(ModelName.defect(of: name) == nil)
    }

    @Test(
        arguments: [
            "", ".", "..", ".hidden", "a/b", "/etc", "..\\up", "a\u{0}b", "a\nb", "\u{7f}",
            String(repeating: "x", count: 256),
        ]
    )
    func `a name that could be a path or disturb a terminal is refused`(_ name: String) {
        #expect(ModelName.defect(of: name) != nil)
    }

    @Test func `version numbers are positive decimal integers`() {
        #expect(VersionNumber.parse("1") == 1)
        #expect(VersionNumber.parse("42") == 42)
        #expect(VersionNumber.parse("9223372036854775807") == 9_223_372_036_854_775_807)
    }

    @Test(arguments: ["", "0", "01", "-1", "+1", "1.0", "v1", "1 ", "９", "9223372036854775808"])
    func `other spellings are no version numbers`(_ name: String) {
        #expect(VersionNumber.parse(name) == nil)
    }
}

@Suite struct RepositoryScanTests {
    @Test func `models and versions are found in order`() throws {
        let folder = try TemporaryFolder()
        try folder.write(to: "b/10/model.onnx")
        try folder.write(to: "b/9/model.onnx")
        try folder.write(to: "a/1/model.onnx")
        let scan = try RepositoryScan(root: folder.path)
        #expect(scan.defects.isEmpty)
        #expect(scan.models.map(\.name) == ["a", "b"])
        #expect(scan.models[1].versions.map(\.number) == [9, 10])
        #expect(try scan.models[0].versions[0].file.get().hasSuffix("/a/1/model.onnx"))
    }

    @Test func `notes beside the models are passed over`() throws {
        let folder = try TemporaryFolder()
        try folder.write(to: "README.md")
        try folder.write(to: ".git/config")
        try folder.write(to: "a/notes.txt")
        try folder.write(to: "a/.cache/x")
        try folder.write(to: "a/1/model.onnx")
        let scan = try RepositoryScan(root: folder.path)
        #expect(scan.defects.isEmpty)
        #expect(scan.models.map(\.name) == ["a"])
        #expect(scan.models[0].defects.isEmpty)
        #expect(scan.models[0].versions.map(\.number) == [1])
    }

    @Test func `what is out of place is reported beside what is good`() throws {
        let folder = try TemporaryFolder()
        try folder.write(to: "good/1/model.onnx")
        try folder.write(to: "good/latest/model.onnx")
        try folder.write(to: "good/02/model.onnx")
        try folder.makeFolder("good/3")
        try folder.makeFolder("good/4/model.onnx")
        try folder.makeFolder("empty")
        let scan = try RepositoryScan(root: folder.path)
        #expect(scan.models.map(\.name) == ["empty", "good"])
        #expect(scan.models[0].defects.count == 1)
        let good = scan.models[1]
        #expect(good.defects.map(\.path) == ["good/02", "good/latest"])
        #expect(good.versions.map(\.number) == [1, 3, 4])
        #expect(throws: Never.self) { try good.versions[0].file.get() }
        #expect(throws: RepositoryDefect.self) { try good.versions[1].file.get() }
        #expect(throws: RepositoryDefect.self) { try good.versions[2].file.get() }
    }

    @Test func `symbolic links may lead around in the repository but not out of it`() throws {
        let outside = try TemporaryFolder()
        try outside.write(to: "1/model.onnx")
        try outside.write(to: "model.onnx")
        let folder = try TemporaryFolder()
        try folder.write(to: "a/1/model.onnx")
        try folder.link("a/2", to: "1")
        try folder.link("b", to: outside.path)
        try folder.makeFolder("c/1")
        try folder.link("c/1/model.onnx", to: "\(outside.path)/model.onnx")
        try folder.link("d", to: "nowhere")
        let scan = try RepositoryScan(root: folder.path)
        #expect(scan.models.map(\.name) == ["a", "c"])
        #expect(scan.models[0].versions.map(\.number) == [1, 2])
        #expect(throws: Never.self) { try scan.models[0].versions[1].file.get() }
        #expect(throws: RepositoryDefect.self) { try scan.models[1].versions[0].file.get() }
        #expect(scan.defects.map(\.path) == ["b", "d"])
        #expect(scan.defects[0].reason.contains("leads out"))
    }

    @Test func `a root that is not there is an error that names it`() {
        #expect(throws: FileSystemError.self) { try RepositoryScan(root: "/nowhere/at/all") }
    }

    @Test(arguments: ["../a", "..", "a/1", "/etc", ""])
    func `a name from outside never becomes a path unchecked`(_ name: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(to: "models/b/1/model.onnx")
        try folder.write(to: "a/1/model.onnx")
        #expect(throws: RepositoryDefect.self) {
            try RepositoryScan.model(named: name, root: "\(folder.path)/models")
        }
    }

    @Test func `one model can be looked at alone`() throws {
        let folder = try TemporaryFolder()
        try folder.write(to: "b/1/model.onnx")
        #expect(try RepositoryScan.model(named: "b", root: folder.path).versions.count == 1)
        #expect(throws: RepositoryDefect.self) {
            try RepositoryScan.model(named: "c", root: folder.path)
        }
    }
}
