import TernGraph
import TernKernels
import TernTensor

/// Einsum of two inputs as products of matrices: the axes are brought into the order [batch, rows,
/// depth] and [batch, depth, columns], and the result into the order that is asked for.
struct EinsumProduct: Sendable {
    private let left: Arrangement
    private let right: Arrangement
    private let product: MatrixProduct
    private let result: Arrangement

    /// A tensor with its axes in another order.
    private struct Arrangement: Sendable {
        let copy: StridedCopy
        /// Whether the order is the same.
        let isIdentity: Bool
        let count: Int

        init(_ shape: Shape, _ permutation: [Int]) {
            copy = LayoutOperators.transposition(shape, permutation)
            isIdentity = permutation == Array(shape.indices)
            count = shape.elementCount
        }
    }

    /// Divides the labels; `nil` if they do not make matrices, as where an axis is repeated or summed
    /// over alone.
    init?(_ equation: EinsumEquation, _ shapes: [Shape]) throws(OperatorError) {
        typealias Label = EinsumEquation.Label
        guard shapes.count == 2 else { return nil }
        let (first, second) = (equation.inputs[0], equation.inputs[1])
        guard Set(first).count == first.count, Set(second).count == second.count else { return nil }
        let sizes = try equation.sizes(shapes.map { shape in shape.map { .fixed($0) } })
        for (labels, shape) in zip(equation.inputs, shapes) {
            for (label, size) in zip(labels, shape) where sizes[label] != .fixed(size) {
                return nil
            }
        }
        let batch = equation.output.filter { first.contains($0) && second.contains($0) }
        let rows = equation.output.filter { first.contains($0) && !second.contains($0) }
        let columns = equation.output.filter { second.contains($0) && !first.contains($0) }
        let depth = first.filter { second.contains($0) && !equation.output.contains($0) }
        guard batch.count + rows.count + depth.count == first.count,
            batch.count + columns.count + depth.count == second.count
        else { return nil }
        func count(_ labels: [Label]) -> Int {
            labels.reduce(1) { $0 * (sizes[$1]?.fixedSize ?? 1) }
        }
        func order(_ wanted: [Label], in labels: [Label]) -> [Int] {
            wanted.compactMap { labels.firstIndex(of: $0) }
        }
        let made = batch + rows + columns
        let madeShape = Shape(made.map { sizes[$0]?.fixedSize ?? 1 })
        guard madeShape.isBounded,
            let product = MatrixProduct(
                left: [count(batch), count(rows), count(depth)],
                right: [count(batch), count(depth), count(columns)]
            )
        else { return nil }
        left = Arrangement(shapes[0], order(batch + rows + depth, in: first))
        right = Arrangement(shapes[1], order(batch + depth + columns, in: second))
        result = Arrangement(madeShape, order(equation.output, in: made))
        self.product = product
    }

    func kernel(
        _ type: ElementType,
        _ context: KernelContext
    ) throws(OperatorError) -> Kernel {
        let width = type.width
        var layout = ScratchLayout()
        func room(_ arrangement: Arrangement) throws(OperatorError) -> Int {
            let count = arrangement.isIdentity ? 0 : arrangement.count
            return try layout.reserve(count, of: UInt64.self)
        }
        let (leftOffset, rightOffset, resultOffset) = (
            try room(left), try room(right), try room(result)
        )
        let innerOffset = try layout.reserve(
            product.scratchByteCount(elementType: type, context: context),
            of: UInt8.self
        )
        let einsum = self
        return Kernel(scratchByteCount: max(layout.byteCount, 64)) {
            (frame) throws(OperatorError) in
            guard let scratch = unsafe frame.scratch.baseAddress else { return }
            // SAFETY: each piece of scratch memory has eight bytes for each element it holds.
            func arranged(
                _ index: Int,
                _ arrangement: Arrangement,
                _ offset: Int
            )
                -> UnsafeRawPointer
            {
                guard !arrangement.isIdentity else { return unsafe frame.rawInput(index) }
                unsafe arrangement.copy.run(
                    frame.rawInput(index),
                    into: scratch + offset,
                    elementByteCount: width,
                    context: frame.context
                )
                return unsafe UnsafeRawPointer(scratch + offset)
            }
            let target =
                unsafe einsum.result.isIdentity ? frame.rawOutput(0) : scratch + resultOffset
            guard
                unsafe einsum.product.multiply(
                    arranged(0, einsum.left, leftOffset),
                    by: arranged(1, einsum.right, rightOffset),
                    into: target,
                    elementType: type,
                    scratch: UnsafeMutableRawBufferPointer(rebasing: frame.scratch[innerOffset...]),
                    context: frame.context
                )
            else { throw OperatorError("there is no product of \(type)") }
            if !einsum.result.isIdentity {
                unsafe einsum.result.copy.run(
                    UnsafeRawPointer(target),
                    into: frame.rawOutput(0),
                    elementByteCount: width,
                    context: frame.context
                )
            }
        }
    }
}
