import Dispatch
import Synchronization
import TernTensor

/// The memory that an artefact's structure refers to, each piece once, in the order it was met.
struct BlobCollector {
    private(set) var blobs: [AlignedBuffer] = []
    private var indices: [ObjectIdentifier: Int] = [:]

    /// The number of a piece of memory.
    mutating func index(of memory: AlignedBuffer) -> Int {
        let id = ObjectIdentifier(memory)
        if let index = indices[id] { return index }
        blobs.append(memory)
        indices[id] = blobs.count - 1
        return blobs.count - 1
    }
}

/// Where one blob lies in the file.
struct BlobEntry: Equatable {
    static let encodedByteCount = 24

    var offset: UInt64
    var byteCount: UInt64
    var checksum: UInt64
}

/// The blobs of a file as views of its memory, checked.
struct BlobTable {
    /// The blobs.
    let blobs: [AlignedBuffer]

    /// Checks that every blob begins where the one before it ends, on the next multiple of 64, that
    /// the last ends with the file, that what fills the gaps is zero, and that the checksums are right.
    ///
    /// - Parameters:
    ///   - entries: The table.
    ///   - end: Where the structure ends.
    ///   - file: The whole file, whose memory the views keep.
    /// - Throws: ``ArtefactError`` for the first blob of which that does not hold.
    init(
        _ entries: [BlobEntry],
        after end: UInt64,
        in file: AlignedBuffer
    ) throws(ArtefactError) {
        let fileByteCount = UInt64(file.byteCount)
        var end = end
        var views: [AlignedBuffer] = []
        views.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            guard entry.offset.isMultiple(of: UInt64(ArtefactFormat.alignment)) else {
                throw .invalid(
                    "expected blob \(index) at a multiple of \(ArtefactFormat.alignment), found "
                        + "\(entry.offset)"
                )
            }
            guard let start = ArtefactFormat.aligned(end), entry.offset == start else {
                throw .invalid(
                    "expected blob \(index) right behind what ends at \(end), found it at "
                        + "\(entry.offset)"
                )
            }
            guard start <= fileByteCount, entry.byteCount <= fileByteCount - start else {
                throw .truncated(
                    what: "blob \(index) at \(start)",
                    expectedByteCount: entry.byteCount,
                    foundByteCount: fileByteCount - min(start, fileByteCount)
                )
            }
            try Self.checkGap(Int(end)..<Int(start), in: file)
            views.append(Self.view(Int(start)..<Int(start + entry.byteCount), of: file))
            end = start + entry.byteCount
        }
        guard end == fileByteCount else {
            throw .invalid("expected the file to end at \(end), found \(fileByteCount) bytes")
        }
        blobs = views
        for (index, found) in Self.checksums(of: views).enumerated()
        where found != entries[index].checksum {
            throw .damaged(
                part: "blob \(index), \(views[index].byteCount) bytes at \(entries[index].offset)",
                expectedChecksum: entries[index].checksum,
                foundChecksum: found
            )
        }
    }

    /// The checksums of all blobs, by all processors if that pays: it is most of what loading takes.
    private static func checksums(of blobs: [AlignedBuffer]) -> [UInt64] {
        guard blobs.reduce(0, { $0 + $1.byteCount }) >= 1 << 20 else {
            return blobs.map { Checksum.of($0.bytes) }
        }
        // The longest first, so that none is left for the end.
        let order = blobs.indices.sorted { blobs[$0].byteCount > blobs[$1].byteCount }
        let found = Mutex([UInt64](repeating: 0, count: blobs.count))
        DispatchQueue.concurrentPerform(iterations: order.count) { position in
            let index = order[position]
            let blob = blobs[index]
            let checksum = Checksum.of(blob.bytes)
            found.withLock { $0[index] = checksum }
        }
        return found.withLock { $0 }
    }

    private static func checkGap(_ range: Range<Int>, in file: AlignedBuffer) throws(ArtefactError)
    {
        let bytes = file.bytes
        let gap = bytes.extracting(range)
        let isZero = unsafe gap.withUnsafeBytes { unsafe $0.allSatisfy { $0 == 0 } }
        guard isZero else {
            throw .invalid("expected zeros between blobs in the bytes \(range), found others")
        }
    }

    private static func view(_ range: Range<Int>, of file: AlignedBuffer) -> AlignedBuffer {
        // SAFETY: the range lies in the file's memory, which the view keeps and nobody writes.
        unsafe AlignedBuffer(
            viewing: UnsafeRawBufferPointer(
                start: file.baseAddress + range.lowerBound,
                count: range.count
            ),
            keptBy: file
        )
    }

    /// The blob of a number from the file.
    subscript(index: UInt32) -> AlignedBuffer {
        get throws(ArtefactError) {
            guard index < blobs.count else {
                throw .invalid("expected one of \(blobs.count) blobs, found number \(index)")
            }
            return blobs[Int(index)]
        }
    }
}
