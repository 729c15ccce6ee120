import TernGraph
import TernKernels
import TernTensor

/// Zero points of a node, read for each call as the 32-bit numbers that kernels take.
///
/// One is repeated for all; as many as there are rows of one matrix are repeated for each matrix of a
/// batch; left out, they are 0.
struct QuantizedParameters: Sendable {
    private let input: Int
    private let elementType: ElementType?
    private let givenCount: Int
    private let count: Int

    /// Describes an input with zero points.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - input: Which input; may be left out.
    ///   - count: How many numbers the kernel takes.
    init(_ context: NodeContext, _ input: Int, count: Int) {
        let operand = context.hasInput(input) ? context.inputs[input] : nil
        self.input = input
        elementType = operand?.elementType
        givenCount = operand?.elementCount ?? 0
        self.count = count
    }

    /// How many bytes of scratch memory the numbers take, in whole cache lines.
    var byteCount: Int { (Swift.max(count, 1) * 4 + 63) & ~63 }

    /// Writes the numbers.
    @unsafe func read(_ frame: borrowing KernelFrame, into target: UnsafeMutableRawPointer) {
        let numbers = unsafe target.assumingMemoryBound(to: Int32.self)
        guard let elementType, givenCount > 0 else {
            for i in 0..<Swift.max(count, 1) { unsafe numbers[i] = 0 }
            return
        }
        let source = unsafe frame.rawInput(input)
        for i in 0..<Swift.max(count, 1) {
            let place = i % givenCount
            unsafe numbers[i] = Self.number(source, place, elementType)
        }
    }

    @unsafe private static func number(
        _ source: UnsafeRawPointer,
        _ place: Int,
        _ elementType: ElementType
    ) -> Int32 {
        switch elementType {
        case .int8: Int32(unsafe source.load(fromByteOffset: place, as: Int8.self))
        case .uint8: Int32(unsafe source.load(fromByteOffset: place, as: UInt8.self))
        default: unsafe source.load(fromByteOffset: 4 * place, as: Int32.self)
        }
    }

    /// The same numbers of an input that is known beforehand.
    static func numbers(_ tensor: Tensor?, count: Int) -> [Int32] {
        guard let elements = tensor?.integerElements, !elements.isEmpty else {
            return [Int32](repeating: 0, count: count)
        }
        return (0..<count).map { Int32(truncatingIfNeeded: elements[$0 % elements.count]) }
    }

    /// Zero points as part of a key under which a packed weight is kept: equal for equal ones.
    ///
    /// Most are all the same. Plans are made while a caller waits, and describing an array costs
    /// microseconds for each dozen numbers, so the others are spelt out by hand.
    static func key(_ zeroPoints: [some FixedWidthInteger]) -> String {
        guard let first = zeroPoints.first else { return "none" }
        if zeroPoints.allSatisfy({ $0 == first }) { return "\(zeroPoints.count) times \(first)" }
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(8 * zeroPoints.count)
        for point in zeroPoints {
            let bits = UInt32(truncatingIfNeeded: point)
            for place in stride(from: 28, through: 0, by: -4) {
                text.append(digits[Int(bits >> UInt32(place)) & 15])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
