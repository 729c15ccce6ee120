internal import TernMicrokernels
package import TernTensor

/// Moves elements between layouts: transpose, slice, expand, concat, tile and pad are all copies with
/// strides.
///
/// A value: make one per shape, use it for any number of calls.
package struct StridedCopy: Sendable {
    /// The shape of what is copied.
    package let shape: Shape
    /// The same elements, in the order of the target's memory and on as few axes as possible.
    private var merged: Shape
    private var sourceStrides: InlineArray<8, Int>
    private var targetStrides: InlineArray<8, Int>

    /// Describes a copy of `shape` elements.
    ///
    /// - Parameters:
    ///   - shape: How many elements along each axis.
    ///   - sourceStrides: Elements between neighbours in the source; 0 repeats, negative walks
    ///     backwards.
    ///   - targetStrides: The same in the target; no element may be written twice.
    package init(
        shape: Shape,
        sourceStrides: InlineArray<8, Int>,
        targetStrides: InlineArray<8, Int>
    ) {
        self.shape = shape
        merged = Shape()
        self.sourceStrides = InlineArray(repeating: 0)
        self.targetStrides = InlineArray(repeating: 0)
        // The outermost axis first: the one with the largest step in the target.
        var order = InlineArray<8, Int>(repeating: 0)
        var count = 0
        for axis in shape.indices where shape[axis] != 1 {
            var position = count
            while position > 0,
                abs(targetStrides[order[position - 1]]) < abs(targetStrides[axis])
            {
                order[position] = order[position - 1]
                position -= 1
            }
            order[position] = axis
            count += 1
        }
        for position in 0..<count {
            let axis = order[position]
            let last = merged.rank - 1
            if last >= 0,
                self.sourceStrides[last] == shape[axis] * sourceStrides[axis],
                self.targetStrides[last] == shape[axis] * targetStrides[axis]
            {
                merged[last] *= shape[axis]
                self.sourceStrides[last] = sourceStrides[axis]
                self.targetStrides[last] = targetStrides[axis]
            } else {
                self.sourceStrides[merged.rank] = sourceStrides[axis]
                self.targetStrides[merged.rank] = targetStrides[axis]
                merged.append(shape[axis])
            }
        }
    }

    /// A transposition: axis i of the result is axis `permutation[i]` of a dense source.
    ///
    /// - Precondition: `permutation` names each axis once.
    package init(transposing shape: Shape, permutation: InlineArray<8, Int>) {
        let strides = Self.denseStrides(shape)
        var result = Shape()
        var permuted = InlineArray<8, Int>(repeating: 0)
        var seen: UInt8 = 0
        for axis in shape.indices {
            let source = permutation[axis]
            precondition(
                source >= 0 && source < shape.rank && seen & (1 << source) == 0,
                "a permutation names each axis once"
            )
            seen |= 1 << UInt8(source)
            permuted[axis] = strides[source]
            result.append(shape[source])
        }
        self.init(
            shape: result,
            sourceStrides: permuted,
            targetStrides: Self.denseStrides(result)
        )
    }

    /// The transpose of a matrix whose rows lie `sourceRowStride` elements apart, made dense.
    internal init(transposingRows rows: Int, columns: Int, sourceRowStride: Int) {
        var source = InlineArray<8, Int>(repeating: 0)
        source[0] = 1
        source[1] = sourceRowStride
        // Appended: a literal would be an array first, on the heap.
        var result = Shape()
        result.append(columns)
        result.append(rows)
        self.init(
            shape: result,
            sourceStrides: source,
            targetStrides: Self.denseStrides(result)
        )
    }

    /// Repeats a dense tensor of shape `source` to fill `target`, by numpy's rules; `nil` if the
    /// shapes don't fit.
    package init?(expanding source: Shape, to target: Shape) {
        guard source.rank <= target.rank else { return nil }
        let dense = Self.denseStrides(source)
        var strides = InlineArray<8, Int>(repeating: 0)
        let added = target.rank - source.rank
        for axis in source.indices where source[axis] != 1 {
            guard source[axis] == target[axis + added] else { return nil }
            strides[axis + added] = dense[axis]
        }
        self.init(
            shape: target,
            sourceStrides: strides,
            targetStrides: Self.denseStrides(target)
        )
    }

    /// Copies.
    ///
    /// - Parameters:
    ///   - source: The element at index 0 of every axis.
    ///   - target: The same; may not overlap the source.
    ///   - elementByteCount: 1, 2, 4 or 8.
    ///   - context: Where to run.
    @unsafe package func run(
        _ source: UnsafeRawPointer,
        into target: UnsafeMutableRawPointer,
        elementByteCount: Int,
        context: KernelContext
    ) {
        switch elementByteCount {
        case 1: unsafe run(source, target, as: UInt8.self, context)
        case 2: unsafe run(source, target, as: UInt16.self, context)
        case 4: unsafe run(source, target, as: UInt32.self, context)
        case 8: unsafe run(source, target, as: UInt64.self, context)
        default: preconditionFailure("elements of \(elementByteCount) bytes cannot be copied")
        }
    }

    @unsafe private func run<Element: BitwiseCopyable>(
        _ source: UnsafeRawPointer,
        _ target: UnsafeMutableRawPointer,
        as type: Element.Type,
        _ context: KernelContext
    ) {
        let x = unsafe source.assumingMemoryBound(to: Element.self)
        let y = unsafe target.assumingMemoryBound(to: Element.self)
        let rank = merged.rank
        guard rank > 0 else {
            unsafe y.pointee = x.pointee
            return
        }
        let total = merged.elementCount
        guard total > 0 else { return }
        // The pieces are the rows of the two innermost axes, or of one if there is no other.
        let outerRank = Swift.max(rank - 2, 0)
        var outerCount = 1
        for axis in 0..<outerRank { outerCount *= merged[axis] }
        let rows = rank >= 2 ? merged[rank - 2] : 1
        let plane = unsafe StridedPlane(
            rows: rows,
            columns: merged[rank - 1],
            sourceRowStride: rank >= 2 ? sourceStrides[rank - 2] : 0,
            sourceStride: sourceStrides[rank - 1],
            targetRowStride: rank >= 2 ? targetStrides[rank - 2] : 0,
            targetStride: targetStrides[rank - 1],
            source: x,
            target: y,
            table: context.table
        )
        if outerCount == 1 {
            let cost = Double(plane.columns) * 0.5
            let grain = KernelContext.grain(nanosecondsPerPiece: cost)
            context.forEach(rows, grain: (grain + 15) / 16 * 16, nanosecondsPerPiece: cost) {
                unsafe plane.copy(rows: $0, sourceOffset: 0, targetOffset: 0)
            }
            return
        }
        let cost = Double(rows * plane.columns) * 0.5
        context.forEach(
            outerCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for index in range {
                var rest = index
                var sourceOffset = 0
                var targetOffset = 0
                for axis in (0..<outerRank).reversed() {
                    let (quotient, position) = rest.quotientAndRemainder(dividingBy: merged[axis])
                    rest = quotient
                    sourceOffset += position * sourceStrides[axis]
                    targetOffset += position * targetStrides[axis]
                }
                unsafe plane.copy(
                    rows: 0..<rows,
                    sourceOffset: sourceOffset,
                    targetOffset: targetOffset
                )
            }
        }
    }

    /// The strides of a dense row-major tensor.
    package static func denseStrides(_ shape: Shape) -> InlineArray<8, Int> {
        var strides = InlineArray<8, Int>(repeating: 0)
        var stride = 1
        for axis in shape.indices.reversed() {
            strides[axis] = stride
            stride *= Swift.max(shape[axis], 1)
        }
        return strides
    }
}

/// The two innermost axes of a ``StridedCopy``.
@safe private struct StridedPlane<Element: BitwiseCopyable> {
    let rows: Int
    let columns: Int
    let sourceRowStride: Int
    let sourceStride: Int
    let targetRowStride: Int
    let targetStride: Int
    let source: UnsafePointer<Element>
    let target: UnsafeMutablePointer<Element>
    let table: KernelTable

    @unsafe func copy(rows: Range<Int>, sourceOffset: Int, targetOffset: Int) {
        let x = unsafe source + sourceOffset
        let y = unsafe target + targetOffset
        if sourceStride == 1, targetStride == 1 {
            for row in rows {
                unsafe (y + row * targetRowStride).update(
                    from: x + row * sourceRowStride,
                    count: columns
                )
            }
            return
        }
        if MemoryLayout<Element>.size == 4, sourceRowStride == 1, targetStride == 1 {
            // SAFETY: registers of floats move any 32 bits unchanged.
            unsafe table.rows.transpose(
                UnsafeRawPointer(x + rows.lowerBound).assumingMemoryBound(to: Float.self),
                sourceStride,
                columns,
                rows.count,
                UnsafeMutableRawPointer(y + rows.lowerBound * targetRowStride)
                    .assumingMemoryBound(to: Float.self),
                targetRowStride
            )
            return
        }
        // Tiles of 16 by 16, so that lines are used whole on both sides.
        var row = rows.lowerBound
        while row < rows.upperBound {
            let rowEnd = Swift.min(row &+ 16, rows.upperBound)
            var column = 0
            while column < columns {
                let columnEnd = Swift.min(column &+ 16, columns)
                for r in row..<rowEnd {
                    let from = unsafe x + r &* sourceRowStride
                    let to = unsafe y + r &* targetRowStride
                    var c = column
                    while c < columnEnd {
                        unsafe to[c &* targetStride] = from[c &* sourceStride]
                        c &+= 1
                    }
                }
                column = columnEnd
            }
            row = rowEnd
        }
    }
}
