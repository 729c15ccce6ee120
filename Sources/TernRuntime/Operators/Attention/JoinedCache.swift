import TernGraph
import TernKernels
import TernTensor

/// The keys or values of an Attention node: those of the past, then those of this call.
struct JoinedCache: Sendable {
    private let geometry: AttentionGeometry
    private let newInput: Int
    private let pastInput: Int?
    private let output: Int?
    private let offset: Int?
    private let size: Int
    private let width: Int

    init(
        _ context: NodeContext,
        _ geometry: AttentionGeometry,
        input: (new: Int, past: Int),
        output: Int,
        size: Int,
        width: Int,
        _ layout: inout ScratchLayout
    ) throws(OperatorError) {
        self.geometry = geometry
        self.size = size
        self.width = width
        newInput = input.new
        pastInput = context.hasInput(input.past) ? input.past : nil
        self.output = context.hasOutput(output) ? output : nil
        guard self.output == nil, pastInput != nil else {
            offset = nil
            return
        }
        let joined = Shape([geometry.batch, geometry.keyHeads, geometry.keys, size, width])
        guard let byteCount = joined.checkedElementCount else {
            throw OperatorError("a cache of \(joined) has no size in bytes")
        }
        offset = try layout.reserve(byteCount, of: UInt8.self)
    }

    private var isJoined: Bool { output != nil || offset != nil }

    /// How the result is laid out.
    var strides: Attention.Strides {
        isJoined
            ? .headsFirst(heads: geometry.keyHeads, sequence: geometry.keys, size: size)
            : geometry.strides(heads: geometry.keyHeads, sequence: geometry.keys, size: size)
    }

    /// Where the result lies.
    @unsafe func address(_ frame: borrowing KernelFrame) -> UnsafeRawPointer {
        if let output { return unsafe UnsafeRawPointer(frame.rawOutput(output)) }
        if let offset, let scratch = unsafe frame.scratch.baseAddress {
            return unsafe UnsafeRawPointer(scratch + offset)
        }
        return unsafe frame.rawInput(newInput)
    }

    /// The result, for reading.
    @_lifetime(borrow frame)
    func elements<Real: RealElement>(
        _ frame: borrowing KernelFrame,
        as type: Real.Type
    ) -> Span<Real> {
        let sequence = isJoined ? geometry.keys : geometry.newKeys
        // SAFETY: the result has this many elements, as the geometry was checked.
        let span = unsafe Span<Real>(
            _unsafeStart: address(frame).assumingMemoryBound(to: type),
            count: geometry.batch * geometry.keyHeads * sequence * size
        )
        return unsafe _overrideLifetime(span, borrowing: frame)
    }

    /// Copies the past and the present behind each other, head by head.
    func join(_ frame: borrowing KernelFrame) {
        guard isJoined else { return }
        let target = unsafe UnsafeMutableRawPointer(mutating: address(frame))
        let source = unsafe frame.rawInput(newInput)
        let from = geometry.strides(
            heads: geometry.keyHeads,
            sequence: geometry.newKeys,
            size: size
        )
        let rowByteCount = size * width
        // SAFETY: the target has batch · heads · keys rows; the past has its part of them in the same
        // order, and the strides are those of this call's own rows.
        for batch in 0..<geometry.batch {
            for head in 0..<geometry.keyHeads {
                let place = batch * geometry.keyHeads + head
                let start = unsafe target + place * geometry.keys * rowByteCount
                if let pastInput {
                    let byteCount = geometry.past * rowByteCount
                    unsafe start.copyMemory(
                        from: frame.rawInput(pastInput) + place * byteCount,
                        byteCount: byteCount
                    )
                }
                for row in 0..<geometry.newKeys {
                    let offset = batch * from.batch + head * from.head + row * from.row
                    unsafe (start + (geometry.past + row) * rowByteCount).copyMemory(
                        from: source + offset * width,
                        byteCount: rowByteCount
                    )
                }
            }
        }
    }
}
