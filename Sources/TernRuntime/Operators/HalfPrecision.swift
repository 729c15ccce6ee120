import TernGraph
import TernKernels
import TernTensor

/// Runs operators that calculate in single precision on operands of half precision.
///
/// This is the one place where halves are widened for a kernel and its results narrowed again;
/// operators whose kernels read halves themselves do not need it.
enum HalfPrecision {
    /// The types that are widened.
    static let types: Set<ElementType> = [.fp16, .bf16]
    /// The types that an operator takes whose kernel is made by ``widening(_:)``.
    static let floats: Set<ElementType> = types.union([.fp32])

    /// Makes a kernel that widens every operand of half precision into scratch memory, runs the
    /// kernel that `make` makes for single precision, and rounds its outputs.
    ///
    /// A constant is widened once for the whole model.
    static func widening(
        _ make: @escaping OperatorDeclaration.KernelMaker
    ) -> OperatorDeclaration.KernelMaker {
        { (context) throws(OperatorError) in
            let isHalf = (context.inputs + context.outputs).contains { operand in
                operand.map { types.contains($0.elementType) } ?? false
            }
            return isHalf ? try WidenedCall(context, make).kernel() : try make(context)
        }
    }

    /// A tensor of halves in single precision.
    static func widened(_ tensor: Tensor, _ context: KernelContext) -> Tensor {
        let count = tensor.shape.elementCount
        let storage = AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        // SAFETY: both hold as many elements as the shape has.
        unsafe Elementwise.cast(
            UnsafeRawPointer(tensor.storage.baseAddress),
            of: tensor.elementType,
            into: storage.baseAddress,
            of: .fp32,
            count: count,
            context: context
        )
        return Tensor(elementType: .fp32, shape: tensor.shape, storage: storage)
    }
}

/// A call whose operands of half precision are held in single precision meanwhile.
private struct WidenedCall: Sendable {
    /// An operand that is converted.
    private struct Piece: Sendable {
        /// Its place: the inputs come first, then the outputs.
        let slot: Int
        let type: ElementType
        let count: Int
        /// Where its floats lie in the scratch memory; `nil` for a constant.
        let offset: Int?
        let constant: Tensor?
    }

    private let inner: Kernel
    private let inputCount: Int
    private let outputCount: Int
    private var pieces: [Piece] = []
    private let tableOffset: Int
    private let innerOffset: Int
    private let byteCount: Int

    init(
        _ context: NodeContext,
        _ make: OperatorDeclaration.KernelMaker
    ) throws(OperatorError) {
        var layout = ScratchLayout()
        var (inputs, outputs) = (context.inputs, context.outputs)
        (inputCount, outputCount) = (inputs.count, outputs.count)
        for index in inputs.indices {
            guard let operand = inputs[index], HalfPrecision.types.contains(operand.elementType)
            else { continue }
            let constant = try operand.constant.map { (tensor) throws(OperatorError) in
                try context.prepared(from: index, variant: "widened") {
                    HalfPrecision.widened(tensor, context.kernels)
                }
            }
            pieces.append(
                Piece(
                    slot: index,
                    type: operand.elementType,
                    count: operand.elementCount,
                    offset: constant == nil
                        ? try layout.reserve(operand.elementCount, of: Float.self) : nil,
                    constant: constant
                )
            )
            inputs[index] = Operand(
                elementType: .fp32,
                shape: operand.shape,
                constant: constant,
                isWeight: operand.isWeight
            )
        }
        for index in outputs.indices {
            guard let operand = outputs[index], HalfPrecision.types.contains(operand.elementType)
            else { continue }
            pieces.append(
                Piece(
                    slot: inputs.count + index,
                    type: operand.elementType,
                    count: operand.elementCount,
                    offset: try layout.reserve(operand.elementCount, of: Float.self),
                    constant: nil
                )
            )
            outputs[index] = Operand(elementType: .fp32, shape: operand.shape)
        }
        inner = try make(context.replacing(inputs: inputs, outputs: outputs))
        tableOffset = try layout.reserve(inputs.count + outputs.count + 1, of: OperandSlot.self)
        innerOffset = try layout.reserve(inner.scratchByteCount, of: UInt8.self)
        byteCount = layout.byteCount
    }

    func kernel() -> Kernel {
        let call = self
        return Kernel(scratchByteCount: byteCount) { (frame) throws(OperatorError) in
            try call.run(frame)
        }
    }

    private func run(_ frame: borrowing KernelFrame) throws(OperatorError) {
        guard let scratch = unsafe frame.scratch.baseAddress else { return }
        let slotCount = inputCount + outputCount + 1
        let first = unsafe (scratch + tableOffset).assumingMemoryBound(to: OperandSlot.self)
        // SAFETY: the scratch memory is as long as `init` asked, so that every piece lies in it; the
        // table has a slot for each operand and one for the inner kernel's own memory.
        for index in 0..<inputCount {
            unsafe (first + index).initialize(
                to: OperandSlot(
                    UnsafeMutableRawPointer(mutating: frame.rawInput(index)),
                    byteCount: frame.inputByteCount(index)
                )
            )
        }
        for index in 0..<outputCount {
            unsafe (first + inputCount + index).initialize(
                to: OperandSlot(
                    frame.rawOutput(index),
                    byteCount: frame.outputByteCount(index)
                )
            )
        }
        unsafe (first + slotCount - 1).initialize(
            to: OperandSlot(scratch + innerOffset, byteCount: inner.scratchByteCount)
        )
        for piece in pieces {
            let byteCount = piece.count * MemoryLayout<Float>.stride
            if let constant = piece.constant {
                unsafe first[piece.slot] = OperandSlot(
                    constant.storage.baseAddress,
                    byteCount: byteCount
                )
            } else if let offset = piece.offset {
                unsafe first[piece.slot] = OperandSlot(scratch + offset, byteCount: byteCount)
                guard piece.slot < inputCount else { continue }
                unsafe Elementwise.cast(
                    frame.rawInput(piece.slot),
                    of: piece.type,
                    into: scratch + offset,
                    of: .fp32,
                    count: piece.count,
                    context: frame.context
                )
            }
        }
        try unsafe inner.body(frame.moved(to: UnsafePointer(first)))
        for piece in pieces where piece.slot >= inputCount {
            guard let offset = piece.offset else { continue }
            unsafe Elementwise.cast(
                UnsafeRawPointer(scratch + offset),
                of: .fp32,
                into: frame.rawOutput(piece.slot - inputCount),
                of: piece.type,
                count: piece.count,
                context: frame.context
            )
        }
    }
}
