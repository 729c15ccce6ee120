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
