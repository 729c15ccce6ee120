/// An IEEE binary16 as it lies in memory.
internal struct HalfBits: BitwiseCopyable {
    internal var bits: UInt16

    /// Rounds to nearest, ties to even.
    internal init(_ value: Double) { bits = Float16(value).bitPattern }

    /// The same number.
    internal var float: Float { Float(Float16(bitPattern: bits)) }
}

/// The upper half of an IEEE binary32 as it lies in memory.
internal struct BFloatBits: BitwiseCopyable {
    internal var bits: UInt16

    /// Rounds to nearest, ties to even; a NaN stays one.
    internal init(_ value: Float) {
        let pattern = value.bitPattern
        if value.isNaN {
            bits = UInt16(truncatingIfNeeded: pattern >> 16) | 0x40
        } else {
            let odd = pattern >> 16 & 1
            bits = UInt16(truncatingIfNeeded: (pattern &+ 0x7fff &+ odd) >> 16)
        }
    }

    /// The same number.
    internal var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}

/// Halves are ordered as the numbers they are.
extension HalfBits: Comparable {
    internal static func == (left: HalfBits, right: HalfBits) -> Bool { left.float == right.float }
    internal static func < (left: HalfBits, right: HalfBits) -> Bool { left.float < right.float }
    internal static func <= (left: HalfBits, right: HalfBits) -> Bool { left.float <= right.float }
    internal static func > (left: HalfBits, right: HalfBits) -> Bool { left.float > right.float }
    internal static func >= (left: HalfBits, right: HalfBits) -> Bool { left.float >= right.float }
}

/// The same, in the other format.
extension BFloatBits: Comparable {
    internal static func == (left: BFloatBits, right: BFloatBits) -> Bool {
        left.float == right.float
    }
    internal static func < (left: BFloatBits, right: BFloatBits) -> Bool {
        left.float < right.float
    }
    internal static func <= (left: BFloatBits, right: BFloatBits) -> Bool {
        left.float <= right.float
    }
    internal static func > (left: BFloatBits, right: BFloatBits) -> Bool {
        left.float > right.float
    }
    internal static func >= (left: BFloatBits, right: BFloatBits) -> Bool {
        left.float >= right.float
    }
}

/// A byte that is false if it is 0 and true if it is anything else.
internal struct TruthByte: Comparable, BitwiseCopyable {
    private let byte: UInt8

    internal static func == (left: TruthByte, right: TruthByte) -> Bool {
        (left.byte == 0) == (right.byte == 0)
    }

    internal static func < (left: TruthByte, right: TruthByte) -> Bool {
        left.byte == 0 && right.byte != 0
    }
}
