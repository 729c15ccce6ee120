/// Why a file is not a usable artefact.
package enum ArtefactError: Error, Equatable, Sendable {
    /// The file could not be opened, mapped or written; the sentence names it.
    case file(String)
    /// The file begins with other bytes than an artefact.
    case notAnArtefact(found: [UInt8])
    /// The file was written in a version of the format that is not known.
    case unsupportedVersion(found: UInt32, newest: UInt32)
    /// The file is shorter than what it must hold.
    case truncated(what: String, expectedByteCount: UInt64, foundByteCount: UInt64)
    /// A part of the file has changed since it was written.
    case damaged(part: String, expectedChecksum: UInt64, foundChecksum: UInt64)
    /// The file contradicts itself; the sentence says what was expected and what was found.
    case invalid(String)
}

extension ArtefactError: CustomStringConvertible {
    /// A sentence for people.
    package var description: String {
        switch self {
        case .file(let sentence): sentence
        case .notAnArtefact(let found):
            "not a Tern artefact: expected \(Self.hex(ArtefactFormat.magic)) at its beginning, found "
                + (found.isEmpty ? "nothing" : Self.hex(found))
        case .unsupportedVersion(let found, let newest):
            "the artefact has version \(found) of the format, up to \(newest) is known; compile the "
                + "model again"
        case .truncated(let what, let expected, let found):
            "the artefact is cut short: \(what) needs \(expected) bytes, found \(found)"
        case .damaged(let part, let expected, let found):
            "the artefact is damaged: expected the checksum \(String(expected, radix: 16)) of "
                + "\(part), found \(String(found, radix: 16))"
        case .invalid(let sentence): "the artefact is invalid: \(sentence)"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
