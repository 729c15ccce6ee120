package import TernTensor

/// Moves elements between layouts: transpose, slice, expand, concat, tile and pad are all copies with
/// strides.
///
/// A value: make one per shape, use it for any number of calls.
package struct StridedCopy: Sendable {
    /// The shape of what is copied.
    package let shape: Shape
    internal var merged: Shape
    internal var sourceStrides: InlineArray<8, Int>
    internal var targetStrides: InlineArray<8, Int>

    /// Describes a copy of `shape` elements.
    ///
    /// - Parameters:
    ///   - shape: How many elements along each axis.
    ///   - sourceStrides: Elements between neighbours in the source; 0 repeats, negative walks
    ///     backwards.
    ///   - targetStrides: The same in the target.
    package init(
        shape: Shape,
        sourceStrides: InlineArray<8, Int>,
        targetStrides: InlineArray<8, Int>
    ) { preconditionFailure() }

    /// A transposition: axis i of the result is axis `permutation[i]` of a dense source.
    ///
    /// - Precondition: `permutation` names each axis once.
    package init(transposing shape: Shape, permutation: InlineArray<8, Int>) {
        preconditionFailure()
    }

    /// Repeats a dense tensor of shape `source` to fill `target`, by numpy's rules; `nil` if the
    /// shapes don't fit.
    package init?(expanding source: Shape, to target: Shape) { preconditionFailure() }

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
    ) { preconditionFailure() }

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
