import TernGraph
import TernTensor

/// Einsum as it is defined: for each element of the output, the sum over all labels that do not
/// remain.
struct EinsumLoop: PlainKernel {
    /// One label as a loop.
    private struct Axis: Sendable {
        let size: Int
        /// How far each input moves.
        let strides: [Int]
    }

    private let outer: [Axis]
    private let inner: [Axis]
    private let inputCount: Int

    init(_ equation: EinsumEquation, _ shapes: [Shape]) throws(OperatorError) {
        let sizes = try equation.sizes(shapes.map { shape in shape.map { .fixed($0) } })
        func axis(_ label: EinsumEquation.Label) -> Axis {
            Axis(
                size: sizes[label]?.fixedSize ?? 0,
                strides: zip(equation.inputs, shapes).map { labels, shape in
                    // A label that occurs twice walks along a diagonal.
                    labels.indices.filter { labels[$0] == label && shape[$0] != 1 }
                        .reduce(0) { $0 + shape.strides[$1] }
                }
            )
        }
        outer = equation.output.map(axis)
        inner = sizes.keys.filter { !equation.output.contains($0) }.map(axis)
        inputCount = shapes.count
        guard let steps = Self.count(outer + inner), steps < 1 << 48 else {
            throw OperatorError("the equation sums over more elements than can be counted")
        }
    }

    /// How many steps the loops take together; `nil` if that overflows.
    private static func count(_ axes: [Axis]) -> Int? {
        var product = 1
        for axis in axes {
            let (next, overflow) = product.multipliedReportingOverflow(by: max(axis.size, 1))
            if overflow { return nil }
            product = next
        }
        return product
    }

    func kernel<Element: ArithmeticElement>(
        _ type: Element.Type
    ) throws(OperatorError) -> Kernel {
        let loop = self
        let steps = inner.reduce(1) { $0 * $1.size }
        return Kernel { (frame) throws(OperatorError) in
            var target = frame.mutableElements(ofOutput: 0, as: type)
            for place in target.indices {
                var total = Element.zero
                for step in 0..<steps {
                    var product = Element.one
                    for input in 0..<loop.inputCount {
                        let offset =
                            Self.offset(place, loop.outer, input)
                            + Self.offset(step, loop.inner, input)
                        let value = frame.elements(ofInput: input, as: type)[offset]
                        product = Element.product(product, value)
                    }
                    total = Element.sum(total, product)
                }
                target[place] = total
            }
        }
    }

    /// Where an input is read at a step of the given loops.
    private static func offset(_ place: Int, _ axes: [Axis], _ input: Int) -> Int {
        var (rest, offset) = (place, 0)
        for axis in axes.reversed() {
            offset += rest % axis.size * axis.strides[input]
            rest /= axis.size
        }
        return offset
    }
}
