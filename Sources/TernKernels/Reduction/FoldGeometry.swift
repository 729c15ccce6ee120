internal import TernTensor

/// Which axes of a dense tensor are folded, with neighbours of the same kind merged.
internal struct FoldGeometry {
    /// The kept axes except the innermost one, if that is kept.
    internal var keptShape = Shape()
    internal var keptStrides = InlineArray<8, Int>(repeating: 0)
    /// The folded axes except the innermost one, if that is folded.
    internal var foldedShape = Shape()
    internal var foldedStrides = InlineArray<8, Int>(repeating: 0)
    /// Whether the innermost axis is folded.
    internal var foldsInnermost = true
    /// The length of the innermost axis; neighbours are adjacent in memory.
    internal var innermost = 1

    /// Describes a fold; bit i of `axes` is set if axis i is folded.
    internal init(shape: Shape, axes: UInt8) {
        let strides = StridedCopy.denseStrides(shape)
        var sizes = InlineArray<8, Int>(repeating: 0)
        var steps = InlineArray<8, Int>(repeating: 0)
        var folds = InlineArray<8, Bool>(repeating: false)
        var count = 0
        for axis in shape.indices where shape[axis] != 1 {
            let isFolded = axes >> UInt8(axis) & 1 == 1
            if count > 0, folds[count - 1] == isFolded {
                sizes[count - 1] *= shape[axis]
                steps[count - 1] = strides[axis]
            } else {
                sizes[count] = shape[axis]
                steps[count] = strides[axis]
                folds[count] = isFolded
                count += 1
            }
        }
        if count > 0 {
            count -= 1
            foldsInnermost = folds[count]
            innermost = sizes[count]
        }
        for axis in 0..<count {
            if folds[axis] {
                foldedStrides[foldedShape.rank] = steps[axis]
                foldedShape.append(sizes[axis])
            } else {
                keptStrides[keptShape.rank] = steps[axis]
                keptShape.append(sizes[axis])
            }
        }
    }

    /// How many numbers are folded into one.
    internal var foldedCount: Int {
        foldedShape.elementCount * (foldsInnermost ? innermost : 1)
    }

    /// How many results there are.
    internal var keptCount: Int { keptShape.elementCount * (foldsInnermost ? 1 : innermost) }

    /// Where the run of the innermost axis starts for a kept and a folded index.
    internal func offset(kept: Int, folded: Int) -> Int {
        Self.offset(kept, keptShape, keptStrides) + Self.offset(folded, foldedShape, foldedStrides)
    }

    private static func offset(
        _ index: Int,
        _ shape: Shape,
        _ strides: InlineArray<8, Int>
    ) -> Int {
        var rest = index
        var offset = 0
        for axis in shape.indices.reversed() {
            let (quotient, position) = rest.quotientAndRemainder(dividingBy: shape[axis])
            rest = quotient
            offset += position * strides[axis]
        }
        return offset
    }
}
