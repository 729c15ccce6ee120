import TernGraph
import TernKernels
import TernTensor

/// Everything that keeps queries from keys, as numbers that are added to the scores: the mask that is
/// given, causality, a window, and how many keys of each batch entry are real.
///
/// It is laid out over [batch, heads, queries, keys], where the first two may be 1 and are repeated
/// then.
struct AttentionBias<Real: RealElement>: Sendable {
    private let geometry: AttentionGeometry
    private let maskType: ElementType?
    private let maskShape: Shape
    private let maskStrides: Attention.Strides
    private let hasLengths: Bool
    /// Where the mask's numbers lie in the scratch memory, if they are of another type.
    private let convertedOffset: Int?
    private let batchCount: Int
    private let headCount: Int
    /// Where the result lies in the scratch memory.
    let offset: Int
    /// How many elements it has.
    let count: Int

    /// The distances of the result; a repeated axis has the distance 0.
    let strides: Attention.Strides

    init(
        _ context: NodeContext,
        _ geometry: AttentionGeometry,
        _ layout: inout ScratchLayout
    ) throws(OperatorError) {
        self.geometry = geometry
        hasLengths = context.hasInput(6)
        let mask = context.hasInput(3) ? try context.input(3) : nil
        maskType = mask?.elementType
        var shape = mask?.shape ?? [1, 1]
        guard shape.rank >= 1, shape.rank <= 4 else {
            throw OperatorError("the mask is \(shape), expected 1 to 4 axes")
        }
        while shape.rank < 4 { shape = Shape([1] + Array(shape)) }
        let full = [geometry.batch, geometry.queryHeads, geometry.queries]
        for axis in 0..<3 where shape[axis] != 1 && shape[axis] != full[axis] {
            throw OperatorError(
                "the mask \(mask?.shape ?? []) cannot be spread over \(full + [geometry.keys])"
            )
        }
        guard mask == nil || shape[3] <= geometry.keys else {
            throw OperatorError("the mask \(shape) is longer than the \(geometry.keys) keys")
        }
        maskShape = shape
        let row = shape[2] == 1 ? 0 : shape[3]
        let head = shape[1] == 1 ? 0 : shape[2] * shape[3]
        maskStrides = Attention.Strides(
            batch: shape[0] == 1 ? 0 : shape[1] * shape[2] * shape[3],
            head: head,
            row: row
        )
        let isConverted = mask.map { $0.elementType != .bool } ?? false
        convertedOffset =
            isConverted ? try layout.reserve(shape.elementCount, of: Real.self) : nil
        batchCount = hasLengths ? geometry.batch : shape[0]
        headCount = shape[1]
        let sizes = Shape([batchCount, headCount, geometry.queries, geometry.keys])
        guard let elements = sizes.checkedElementCount else {
            throw OperatorError("a mask over \(sizes) has no size")
        }
        count = elements
        offset = try layout.reserve(elements, of: Real.self)
        strides = Attention.Strides(
            batch: batchCount == 1 ? 0 : headCount * geometry.queries * geometry.keys,
            head: headCount == 1 ? 0 : geometry.queries * geometry.keys,
            row: geometry.keys
        )
    }

    /// Writes the numbers into the scratch memory.
    func write(_ frame: borrowing KernelFrame) throws(OperatorError) {
        var target = frame.scratchElements(at: offset, count: count, as: Real.self)
        if let convertedOffset, let maskType {
            guard let scratch = unsafe frame.scratch.baseAddress,
                unsafe Elementwise.cast(
                    frame.rawInput(3),
                    of: maskType,
                    into: scratch + convertedOffset,
                    of: Real.elementType,
                    count: maskShape.elementCount,
                    context: frame.context
                )
            else { throw OperatorError("a mask of \(maskType) cannot be read") }
        }
        for batch in 0..<batchCount {
            let length = try hasLengths ? keyCount(frame, batch) : geometry.keys
            for head in 0..<headCount {
                for query in 0..<geometry.queries {
                    let place = ((batch * headCount + head) * geometry.queries + query)
                    for key in 0..<geometry.keys {
                        let isSeen = key < length && sees(query, key, length)
                        target[place * geometry.keys + key] =
                            isSeen ? given(frame, batch, head, query, key) : -.infinity
                    }
                }
            }
        }
    }

    /// How many keys of a batch entry are real.
    private func keyCount(
        _ frame: borrowing KernelFrame,
        _ batch: Int
    ) throws(OperatorError) -> Int {
        let count = frame.integer(ofInput: 6, at: batch, elementType: .int64)
        guard count >= 0, count <= geometry.keys else {
            throw OperatorError(
                "nonpad_kv_seqlen says \(count) of \(geometry.keys) keys for batch entry \(batch)"
            )
        }
        return count
    }

    /// Whether causality and the window let a query see a key.
    private func sees(_ query: Int, _ key: Int, _ length: Int) -> Bool {
        let position = query + (hasLengths ? length - geometry.queries : geometry.past)
        if geometry.isCausal, key > position { return false }
        if geometry.leftWindow >= 0, position - key > geometry.leftWindow { return false }
        return geometry.rightWindow < 0 || key - position <= geometry.rightWindow
    }

    /// What the mask that is given says; keys behind its end are masked.
    private func given(
        _ frame: borrowing KernelFrame,
        _ batch: Int,
        _ head: Int,
        _ query: Int,
        _ key: Int
    ) -> Real {
        guard let maskType else { return 0 }
        guard key < maskShape[3] else { return -.infinity }
        let place =
            batch * maskStrides.batch + head * maskStrides.head + query * maskStrides.row + key
        guard maskType != .bool, let convertedOffset else {
            return frame.elements(ofInput: 3, as: UInt8.self)[place] == 0 ? -.infinity : 0
        }
        return frame.scratchElements(
            at: convertedOffset,
            count: maskShape.elementCount,
            as: Real.self
        )[place]
    }
}
