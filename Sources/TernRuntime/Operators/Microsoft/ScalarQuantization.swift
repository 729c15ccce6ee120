import TernGraph
import TernTensor

/// One scale and one zero point for a whole tensor, as the QLinear operators of com.microsoft have
/// them, read for each call.
struct ScalarQuantization: Sendable {
    private let scale: Int
    private let zero: Int?
    /// Whether the bytes are signed.
    let isSigned: Bool

    /// Describes the quantisation of a tensor of bytes.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - type: The type of the bytes.
    ///   - scale: Which input is the scale.
    ///   - zero: Which input is the zero point; may be left out, and is 0 then.
    /// - Throws: ``OperatorError`` if they are not single numbers.
    init(
        _ context: NodeContext,
        of type: ElementType,
        scale: Int,
        zero: Int
    ) throws(OperatorError) {
        for index in [scale, zero] where context.hasInput(index) {
            let operand = try context.input(index)
            guard operand.elementCount == 1 else {
                throw OperatorError("input \(index) must be one number, and is \(operand.shape)")
            }
        }
        guard context.hasInput(scale) else { throw OperatorError("input \(scale) is missing") }
        if context.hasInput(zero), try context.input(zero).elementType != type {
            throw OperatorError("input \(zero), a zero point, must be \(type)")
        }
        self.scale = scale
        self.zero = context.hasInput(zero) ? zero : nil
        isSigned = type == .int8
    }

    /// The numbers of a call.
    func read(_ frame: borrowing KernelFrame) -> (scale: Float, zero: Int32) {
        let scale = frame.elements(ofInput: scale, as: Float.self)[0]
        guard let zero else { return (scale, 0) }
        return (
            scale,
            isSigned
                ? Int32(frame.elements(ofInput: zero, as: Int8.self)[0])
                : Int32(frame.elements(ofInput: zero, as: UInt8.self)[0])
        )
    }

    /// The byte that stands for a number: rounded to even, saturated; NaN becomes the least byte.
    func byte(_ value: Float, scale: Float, zero: Int32) -> UInt8 {
        let (lower, upper): (Float, Float) = isSigned ? (-128, 127) : (0, 255)
        let rounded = (value / scale).rounded(.toNearestOrEven) + Float(zero)
        let bounded = rounded > lower ? min(rounded, upper) : lower
        return isSigned ? UInt8(bitPattern: Int8(bounded)) : UInt8(bounded)
    }

    /// The number that a byte, as it is stored, is without its zero point.
    func integer(_ byte: UInt8) -> Int32 { isSigned ? Int32(Int8(bitPattern: byte)) : Int32(byte) }
}
