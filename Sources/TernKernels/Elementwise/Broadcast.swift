package import TernTensor

/// How tensors of different shapes meet element by element, by numpy's rules.
///
/// A value: make one per set of shapes, use it for any number of calls. Neighbouring axes that all
/// operands walk in the same way are merged, so that the innermost loop is as long as it can be.
package struct Broadcast: Sendable {
    /// The common shape.
    package let outputShape: Shape
    /// The common shape after merging, at least one axis.
    private(set) internal var mergedShape: Shape
    /// Elements to the next along each merged axis, per operand; 0 where it is repeated.
    private(set) internal var strides: InlineArray<3, InlineArray<8, Int>>

    /// Broadcasts two shapes; `nil` if they don't fit.
    package init?(_ first: Shape, _ second: Shape) { self.init(first, second, Shape()) }

    /// Broadcasts three shapes; `nil` if they don't fit.
    package init?(_ first: Shape, _ second: Shape, _ third: Shape) {
        let operands: InlineArray<3, Shape> = [first, second, third]
        let rank = Swift.max(first.rank, second.rank, third.rank)
        var output = Shape()
        for axis in 0..<rank {
            var size = 1
            for operand in operands.indices {
                let own = axis - (rank - operands[operand].rank)
                guard own >= 0, operands[operand][own] != 1 else { continue }
                guard size == 1 || size == operands[operand][own] else { return nil }
                size = operands[operand][own]
            }
            output.append(size)
        }
        guard output.checkedElementCount != nil else { return nil }
        outputShape = output
        mergedShape = Shape()
        strides = InlineArray(repeating: InlineArray(repeating: 0))
        var dense = InlineArray<3, InlineArray<8, Int>>(repeating: InlineArray(repeating: 0))
        for operand in operands.indices {
            let own = StridedCopy.denseStrides(operands[operand])
            let added = rank - operands[operand].rank
            for axis in operands[operand].indices where operands[operand][axis] != 1 {
                dense[operand][axis + added] = own[axis]
            }
        }
        for axis in 0..<rank where output[axis] != 1 {
            let last = mergedShape.rank - 1
            var merges = last >= 0
            for operand in operands.indices where merges {
                merges = strides[operand][last] == output[axis] * dense[operand][axis]
            }
            let target = merges ? last : last + 1
            if merges {
                mergedShape[last] *= output[axis]
            } else {
                mergedShape.append(output[axis])
            }
            for operand in operands.indices { strides[operand][target] = dense[operand][axis] }
        }
        if mergedShape.isEmpty { mergedShape.append(1) }
    }

    /// One run of the innermost axis: where it starts in each operand and in the output.
    internal struct Row {
        internal var offsets: InlineArray<3, Int>
        internal var output: Int
        internal var count: Int
    }

    /// The length of the innermost axis.
    internal var rowLength: Int { mergedShape[mergedShape.rank - 1] }

    /// How far apart neighbours of a row are in an operand: 0 or 1.
    internal func innerStride(_ operand: Int) -> Int { strides[operand][mergedShape.rank - 1] }

    /// Calls `body` for rows that together cover the output once, on several threads if it pays.
    ///
    /// Long rows are cut; every element's position in its row of registers is of no consequence to
    /// the kernels.
    internal func forEachRow(
        nanosecondsPerElement: Double,
        context: KernelContext,
        _ body: (Row) -> Void
    ) {
        let total = outputShape.elementCount
        guard total > 0 else { return }
        let length = rowLength
        let rows = total / length
        let cutLength = 16384
        let cuts = (length + cutLength - 1) / cutLength
        let cost = nanosecondsPerElement * Double(Swift.min(length, cutLength))
        var axes = outerAxes
        unsafe withUnsafePointer(to: &axes) { pointer in
            // SAFETY: the axes stay where they are during the call, and all are written.
            let axes = unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: OuterAxis.self)
            let steps = (innerStride(0), innerStride(1), innerStride(2))
            let outerCount = mergedShape.rank - 1
            context.forEach(
                rows * cuts,
                grain: KernelContext.grain(nanosecondsPerPiece: cost),
                nanosecondsPerPiece: cost
            ) { range in
                var (row, cut) = range.lowerBound.quotientAndRemainder(dividingBy: cuts)
                var place = unsafe OuterPlace(row, axes, outerCount)
                for _ in range {
                    let start = cut &* cutLength
                    body(
                        Row(
                            offsets: [
                                place.offsets[0] &+ start &* steps.0,
                                place.offsets[1] &+ start &* steps.1,
                                place.offsets[2] &+ start &* steps.2,
                            ],
                            output: row &* length &+ start,
                            count: Swift.min(cutLength, length &- start)
                        )
                    )
                    cut &+= 1
                    if cut == cuts {
                        (row, cut) = (row &+ 1, 0)
                        unsafe place.advance(axes, outerCount)
                    }
                }
            }
        }
    }

    /// The axes around the innermost one.
    private var outerAxes: InlineArray<8, OuterAxis> {
        InlineArray { axis in
            guard axis < mergedShape.rank - 1 else {
                return OuterAxis(size: 1, strides: [0, 0, 0])
            }
            return OuterAxis(
                size: mergedShape[axis],
                strides: [strides[0][axis], strides[1][axis], strides[2][axis]]
            )
        }
    }
}

/// An axis around the innermost one: how long it is, and elements to the next in each operand.
private struct OuterAxis: BitwiseCopyable {
    let size: Int
    let strides: InlineArray<3, Int>
}

/// Where a row lies: its position along each axis, and what that means in each operand.
private struct OuterPlace {
    private var positions = InlineArray<8, Int>(repeating: 0)
    private(set) var offsets: InlineArray<3, Int> = [0, 0, 0]

    /// The place of a row, counted through all axes.
    @unsafe init(_ row: Int, _ axes: UnsafePointer<OuterAxis>, _ count: Int) {
        var rest = row
        for axis in (0..<count).reversed() {
            let (quotient, position) = unsafe rest.quotientAndRemainder(dividingBy: axes[axis].size)
            rest = quotient
            positions[axis] = position
            for operand in 0..<3 {
                unsafe offsets[operand] += position * axes[axis].strides[operand]
            }
        }
    }

    /// Goes on to the next row.
    @unsafe @inline(__always)
    mutating func advance(_ axes: UnsafePointer<OuterAxis>, _ count: Int) {
        var axis = count &- 1
        while axis >= 0 {
            let size = unsafe axes[axis].size
            positions[axis] &+= 1
            let turns = positions[axis] == size
            if turns { positions[axis] = 0 }
            for operand in 0..<3 {
                let stride = unsafe axes[axis].strides[operand]
                offsets[operand] &+= turns ? stride &* (1 &- size) : stride
            }
            guard turns else { return }
            axis &-= 1
        }
    }
}
