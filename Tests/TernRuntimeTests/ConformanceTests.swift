import FoundationEssentials
import TernGraph
import TernONNX
import TernTensor
import Testing

@testable import TernRuntime

/// ONNX's own backend cases, in ONNX's standard layout; `TERN_ONNX_CASES` names the folder of case
/// folders, such as `…/node`.
///
/// Every case whose operators and types are here must pass; how many that are is printed.
@Suite(
    .enabled(
        if: ModelFolder.fromEnvironment("TERN_ONNX_CASES") != nil,
        "SKIPPED: set TERN_ONNX_CASES to a folder of ONNX backend cases"
    )
)
struct ConformanceTests {
    private enum Outcome {
        case passed, unsupported(String), wrong(String)
    }

    private func run(_ folder: ModelFolder) -> Outcome {
        let model: CompiledModel
        do {
            model = try folder.compile()
        } catch let error as ONNXError {
            return .unsupported("import: \(error)")
        } catch {
            return .unsupported("\(error)")
        }
        do {
            let session = Session(model)
            for dataSet in folder.dataSets {
                let expected = try dataSet.tensors("output")
                let found = try session(try dataSet.tensors("input"))
                guard found.count == expected.count else {
                    return .wrong("\(found.count) outputs for \(expected.count)")
                }
                for (index, (a, e)) in zip(found, expected).enumerated() {
                    guard let (largest, scale) = difference(a, e) else {
                        return .wrong(
                            "output \(index): \(a.elementType)\(a.shape), expected "
                                + "\(e.elementType)\(e.shape)"
                        )
                    }
                    guard largest <= 1e-7 + 1e-3 * scale else {
                        return .wrong("output \(index) is off by \(largest) at scale \(scale)")
                    }
                }
            }
            return .passed
        } catch {
            return .wrong("\(error)")
        }
    }

    @Test func `every case whose operators are here passes`() throws {
        let root = try #require(ModelFolder.fromEnvironment("TERN_ONNX_CASES"))
        let filter = ModelFolder.fromEnvironment("TERN_ONNX_CASE_PREFIX") ?? ""
        var (passed, unsupported) = (0, 0)
        var wrong: [String] = []
        var lines: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: root).sorted()
        where name.hasPrefix(filter) {
            switch run(ModelFolder(path: "\(root)/\(name)")) {
            case .passed: passed += 1
            case .unsupported(let reason):
                unsupported += 1
                lines.append("UNSUPPORTED \(name): \(reason)")
            case .wrong(let reason):
                wrong.append(name)
                lines.append("WRONG \(name): \(reason)")
            }
        }
        print(lines.joined(separator: "\n"))
        print("\(passed) cases passed, \(unsupported) are not supported, \(wrong.count) are wrong")
        let wrongCount = wrong.count
        #expect(wrongCount == 0)
    }
}
