import TernTensor

/// Places buffers that are needed at different times in one block of memory.
///
/// The largest are placed first, each at the lowest offset where no buffer that is needed at the
/// same time lies. That is not always the best there is, but within a few percent of it on real
/// models, and the outcome depends on the buffers alone.
package struct ArenaLayout: Sendable, Equatable {
    /// A buffer that is needed for some steps.
    package struct Request: Sendable, Hashable {
        /// How long it is.
        package var byteCount: Int
        /// The steps during which its bytes must stay, both ends included.
        package var steps: ClosedRange<Int>

        /// Asks for a buffer.
        package init(byteCount: Int, steps: ClosedRange<Int>) {
            self.byteCount = byteCount
            self.steps = steps
        }
    }

    /// The offset of each buffer, in the requests' order; a multiple of
    /// ``AlignedBuffer/alignment``.
    package let offsets: [Int]
    /// How long the block must be.
    package let byteCount: Int

    /// Places the buffers; `nil` if the block would be longer than an `Int` can say.
    package init?(placing requests: [Request]) {
        var offsets = Array(repeating: 0, count: requests.count)
        var placed: [(range: Range<Int>, steps: ClosedRange<Int>)] = []
        var end = 0
        // Ties are broken by time and position: the layout is the same for the same requests.
        let order = requests.indices.sorted {
            let (a, b) = (requests[$0], requests[$1])
            return (-a.byteCount, a.steps.lowerBound, $0) < (-b.byteCount, b.steps.lowerBound, $1)
        }
        for index in order {
            let request = requests[index]
            precondition(request.byteCount >= 0, "a buffer cannot have a negative size")
            if request.byteCount == 0 { continue }
            guard let byteCount = Self.aligned(request.byteCount) else { return nil }
            var offset = 0
            // `placed` is ordered by offset, so the first gap that is wide enough is the lowest.
            for other in placed where other.steps.overlaps(request.steps) {
                if other.range.lowerBound >= offset, other.range.lowerBound - offset >= byteCount {
                    break
                }
                offset = max(offset, other.range.upperBound)
            }
            let (upperBound, overflow) = offset.addingReportingOverflow(byteCount)
            if overflow { return nil }
            let position = placed.firstIndex { $0.range.lowerBound > offset } ?? placed.endIndex
            placed.insert((offset..<upperBound, request.steps), at: position)
            offsets[index] = offset
            end = max(end, upperBound)
        }
        self.offsets = offsets
        byteCount = end
    }

    /// Rounds up to the next multiple of the alignment; `nil` if that overflows.
    private static func aligned(_ byteCount: Int) -> Int? {
        let mask = AlignedBuffer.alignment - 1
        let (padded, overflow) = byteCount.addingReportingOverflow(mask)
        return overflow ? nil : padded & ~mask
    }
}
