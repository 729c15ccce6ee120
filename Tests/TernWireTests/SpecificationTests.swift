import Foundation
import TernTensor
import TernWire
import Testing

/// The tables of `Protocol/README.md` and the code must say the same.
struct SpecificationTests {
    private let text: String

    init() throws {
        text = try String(
            contentsOf: Vector.protocolFolder.appending(path: "README.md"),
            encoding: .utf8
        )
    }

    @Test func `the limits of the specification are the defaults`() {
        let limits = WireLimits.standard
        let expected = [
            "frame bytes": limits.frameByteCount,
            "fields bytes": limits.fieldsByteCount,
            "fields": limits.fieldCount,
            "tensors of a frame": limits.tensorCount,
            "wanted outputs": limits.wantedOutputCount,
            "rank": Shape.maximumRank,
            "name bytes": limits.nameByteCount,
            "text bytes": limits.textByteCount,
            "elements of a `BYTES` tensor": limits.bytesElementCount,
            "bytes of a `BYTES` element": limits.bytesElementByteCount,
        ]
        let rows = rows(ofSection: "## 7.").dropFirst()
        var found: [String: Int] = [:]
        for row in rows {
            let number = row[1].prefix { $0 != "(" && $0 != "," }.filter(\.isNumber)
            found[row[0]] = Int(number)
        }
        #expect(found == expected)
    }

    @Test func `the calls of the specification are those of the library`() {
        let found = rows(ofSection: "## 3.").dropFirst().map { [$0[0], $0[1]] }
        #expect(found == MessageKind.allCases.map { ["\($0.rawValue)", "`\($0.name)`"] })
    }

    @Test func `the tags of the specification are those of the library`() throws {
        let rows = rows(ofSection: "### 4.1").dropFirst()
        #expect(rows.count == 25)
        for row in rows {
            let tag = FieldTag(rawValue: try #require(UInt16(row[0].dropFirst(2), radix: 16)))
            #expect("`\(tag)`" == row[1])
            #expect(tag.isRepeatable == row[3].contains("\\*"), "\(tag)")
        }
    }

    @Test func `the element types of the specification are those of the library`() {
        let rows = rows(ofSection: "### 5.1").filter { $0.count >= 8 }.dropFirst()
        var found: [UInt8: String] = [:]
        for row in rows {
            for start in [0, 4] {
                if let code = UInt8(row[start]) {
                    found[code] = "\(row[start + 1]) \(row[start + 2])"
                }
            }
        }
        for type in ElementType.allCases {
            let byteCount = type.byteCount.map { "\($0)" } ?? "–"
            #expect(found.removeValue(forKey: type.rawValue) == "`\(type.name)` \(byteCount)")
        }
        #expect(found.isEmpty)
    }

    @Test(arguments: WireDefect.allCases)
    func `the specification names every defect`(_ defect: WireDefect) {
        let isNamed = text.contains("`\(defect.rawValue)`")
        #expect(isNamed)
    }

    /// The cells of every table row in a section, header rows included, rules left out.
    private func rows(ofSection heading: String) -> [[String]] {
        guard let start = text.range(of: "\n\(heading)") else { return [] }
        let level = heading.prefix { $0 == "#" } + " "
        let rest = text[start.upperBound...]
        let section = rest.range(of: "\n\(level)").map { rest[..<$0.lowerBound] } ?? rest
        return section.split(separator: "\n")
            .filter { $0.hasPrefix("|") && !$0.hasPrefix("|-") }
            .map { line in
                line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                    .map { $0.trimmingCharacters(in: .whitespaces) }
            }
    }
}
