import TernArtefact
import TernTensor

/// What must hold for any bytes whatever; stops the process where it doesn't.
///
/// Shared by the fuzzer and by the tests that replay what it found.
enum ArtefactOracle {
    /// Reads bytes as an artefact: what is accepted is written again as bytes that are accepted, and
    /// that change no more.
    static func check(_ bytes: [UInt8]) {
        do throws(ArtefactError) {
            let again = try Artefact(decoding: buffer(bytes)).encoded().bytes
            let third = try Artefact(decoding: buffer(again)).encoded().bytes
            precondition(again == third, "an artefact changed when it was written a second time")
        } catch {
            precondition(!error.description.isEmpty, "an error says nothing")
        }
    }

    /// Does the same after making right what mutation nearly always breaks: the magic, the lengths and
    /// the checksums.
    static func checkRepaired(_ bytes: [UInt8]) {
        var repaired = bytes
        repair(&repaired)
        check(repaired)
    }

    /// Bytes as a file's would lie in memory; exactly as long, so that the address sanitizer sees any
    /// read beyond them.
    static func buffer(_ bytes: [UInt8]) -> AlignedBuffer {
        let buffer = AlignedBuffer(byteCount: bytes.count)
        unsafe buffer.withMutableBytes { unsafe $0.copyBytes(from: bytes) }
        return buffer
    }

    /// Makes the magic, the version, the length and the checksums of a changed file right again, as far
    /// as its other lengths allow.
    static func repair(_ bytes: inout [UInt8]) {
        let header = ArtefactFormat.headerByteCount
        guard bytes.count >= header + 4 else { return }
        bytes.replaceSubrange(0..<8, with: ArtefactFormat.magic)
        bytes.replaceSubrange(8..<16, with: [1, 0, 0, 0, UInt8(header), 0, 0, 0])
        store(UInt64(bytes.count), at: 16, in: &bytes)
        let structureByteCount = number(at: 24, 7, in: bytes)
        if structureByteCount >= 4, structureByteCount <= bytes.count - header {
            let entryCount = min(number(at: header, 4, in: bytes), (structureByteCount - 4) / 24)
            for entry in 0..<entryCount {
                let place = header + 4 + 24 * entry
                let offset = number(at: place, 7, in: bytes)
                let count = number(at: place + 8, 7, in: bytes)
                guard offset <= bytes.count, count <= bytes.count - offset else { continue }
                store(checksum(bytes[offset..<offset + count]), at: place + 16, in: &bytes)
            }
            store(checksum(bytes[header..<header + structureByteCount]), at: 32, in: &bytes)
        }
        store(checksum(bytes[..<(header - 8)]), at: header - 8, in: &bytes)
    }

    private static func number(at offset: Int, _ count: Int, in bytes: [UInt8]) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    private static func store(_ value: UInt64, at offset: Int, in bytes: inout [UInt8]) {
        for index in 0..<8 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        let copy = Array(bytes)
        return Checksum.of(unsafe copy.span.bytes)
    }
}

extension Artefact {
    /// Reads the bytes of a file.
    init(_ bytes: [UInt8]) throws(ArtefactError) {
        try self.init(decoding: ArtefactOracle.buffer(bytes))
    }
}
