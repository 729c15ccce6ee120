package import TernTensor

/// Functions of single elements.
///
/// An output may be the same memory as an input of the same element size that is not broadcast; other
/// overlaps are not allowed. Each function that returns a `Bool` returns `false`, with nothing
/// written, if it is not defined for the element type.
package enum Elementwise {}

extension Elementwise {
    /// y = 1 - x for BOOL; any byte that is not 0 counts as true.
    @unsafe package static func not(
        _ x: UnsafePointer<UInt8>,
        into y: UnsafeMutablePointer<UInt8>,
        count: Int
    ) {
        for i in 0..<count { unsafe y[i] = x[i] == 0 ? 1 : 0 }
    }

    /// Whether each float is NaN.
    @discardableResult
    @unsafe package static func isNaN(
        _ x: UnsafeRawPointer,
        into y: UnsafeMutablePointer<UInt8>,
        count: Int,
        elementType: ElementType
    ) -> Bool {
        switch elementType {
        case .fp32: unsafe test(x, as: Float.self, y, count) { $0.isNaN }
        case .fp64: unsafe test(x, as: Double.self, y, count) { $0.isNaN }
        case .fp16: unsafe test(x, as: UInt16.self, y, count) { $0 & 0x7fff > 0x7c00 }
        case .bf16: unsafe test(x, as: UInt16.self, y, count) { $0 & 0x7fff > 0x7f80 }
        default: return false
        }
        return true
    }

    /// Whether each float is +∞ (if `positive`) or -∞ (if `negative`).
    @discardableResult
    @unsafe package static func isInfinite(
        _ x: UnsafeRawPointer,
        into y: UnsafeMutablePointer<UInt8>,
        count: Int,
        elementType: ElementType,
        positive: Bool = true,
        negative: Bool = true
    ) -> Bool {
        switch elementType {
        case .fp32:
            unsafe test(x, as: Float.self, y, count) {
                $0 == .infinity && positive || $0 == -.infinity && negative
            }
        case .fp64:
            unsafe test(x, as: Double.self, y, count) {
                $0 == .infinity && positive || $0 == -.infinity && negative
            }
        case .fp16:
            unsafe test(x, as: UInt16.self, y, count) {
                $0 == 0x7c00 && positive || $0 == 0xfc00 && negative
            }
        case .bf16:
            unsafe test(x, as: UInt16.self, y, count) {
                $0 == 0x7f80 && positive || $0 == 0xff80 && negative
            }
        default: return false
        }
        return true
    }

    @inline(__always)
    private static func test<Element: BitwiseCopyable>(
        _ x: UnsafeRawPointer,
        as type: Element.Type,
        _ y: UnsafeMutablePointer<UInt8>,
        _ count: Int,
        _ condition: (Element) -> Bool
    ) {
        let source = unsafe x.assumingMemoryBound(to: Element.self)
        for i in 0..<count { unsafe y[i] = condition(source[i]) ? 1 : 0 }
    }
}
