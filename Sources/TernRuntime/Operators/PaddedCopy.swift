import TernTensor

/// Copies a tensor from places that are listed axis by axis.
///
/// Places that follow each other are copied as one run, and axes that are copied whole are part of
/// the axis around them, so that the runs are as long as they can be.
struct PaddedCopy: Sendable {
    /// Places of the output side by side.
    private struct Run: Sendable {
        /// Where they come from in the source, in bytes from the axis's first; negative for the
        /// constant.
        var source: Int
        /// How many places there are.
        var count: Int
    }

    /// An axis of the output, with those inside it that are copied whole.
    private struct Axis: Sendable {
        var runs: [Run]
        /// Bytes from one place to the next in the source.
        var sourceStride: Int
        /// Bytes of one place in the output.
        var byteCount: Int

        /// Adds a place to the last run, or starts a run with it.
        mutating func append(_ place: Int) {
            let source = place < 0 ? -1 : place * sourceStride
            if let last = runs.last {
                let next = last.source < 0 ? -1 : last.source + last.count * sourceStride
                if source == next {
                    runs[runs.count - 1].count += 1
                    return
                }
            }
            runs.append(Run(source: source, count: 1))
        }
    }

    private var axes: [Axis] = []
    /// The bytes of the constant.
    private let value: [UInt8]

    /// Describes a copy.
    ///
    /// - Parameters:
    ///   - sourceShape: The source's shape.
    ///   - places: For each place along each axis of the output, the place in the source it comes
    ///     from; -1 for the constant.
    ///   - value: The bytes of the constant, as many as an element has.
    init(sourceShape: Shape, places: [[Int]], value: [UInt8]) {
        self.value = value
        var (sourceStride, byteCount) = (value.count, value.count)
        // From the innermost axis outwards.
        for (size, places) in zip(sourceShape, places).reversed() {
            var axis = Axis(runs: [], sourceStride: sourceStride, byteCount: byteCount)
            for place in places { axis.append(place) }
            if let inner = axes.last, inner.runs.count == 1, inner.runs[0].source == 0,
                inner.byteCount * inner.runs[0].count == sourceStride
            {
                // The axis inside is copied whole, and its places are bytes of this one's.
                axes.removeLast()
            }
            axes.append(axis)
            sourceStride *= size
            byteCount *= places.count
        }
        axes.reverse()
    }

    /// Copies.
    ///
    /// - Parameters:
    ///   - source: The source's first element.
    ///   - target: The output's; may not overlap the source.
    @unsafe func run(_ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer) {
        guard !axes.isEmpty else {
            unsafe target.copyMemory(from: source, byteCount: value.count)
            return
        }
        guard axes.allSatisfy({ !$0.runs.isEmpty && $0.byteCount > 0 }) else { return }
        unsafe copy(source, into: target, axis: 0)
    }

    @unsafe private func copy(
        _ source: UnsafeRawPointer,
        into target: UnsafeMutableRawPointer,
        axis index: Int
    ) {
        let axis = axes[index]
        var target = unsafe target
        for run in axis.runs {
            let byteCount = run.count * axis.byteCount
            // SAFETY: each place lies inside its axis of the source, and the runs of an axis add up
            // to its length in the output.
            if run.source < 0 {
                unsafe fill(target, byteCount: byteCount)
            } else if index == axes.count - 1 {
                unsafe target.copyMemory(from: source + run.source, byteCount: byteCount)
            } else {
                for place in 0..<run.count {
                    unsafe copy(
                        source + (run.source + place * axis.sourceStride),
                        into: target + place * axis.byteCount,
                        axis: index + 1
                    )
                }
            }
            unsafe target += byteCount
        }
    }

    /// Repeats the constant.
    @unsafe private func fill(_ target: UnsafeMutableRawPointer, byteCount: Int) {
        guard byteCount > 0 else { return }
        if value.allSatisfy({ $0 == value[0] }) {
            unsafe target.initializeMemory(as: UInt8.self, repeating: value[0], count: byteCount)
            return
        }
        for index in value.indices {
            unsafe target.storeBytes(of: value[index], toByteOffset: index, as: UInt8.self)
        }
        // What is there is doubled.
        var done = value.count
        while done < byteCount {
            let part = min(done, byteCount - done)
            unsafe (target + done).copyMemory(from: target, byteCount: part)
            done += part
        }
    }
}
