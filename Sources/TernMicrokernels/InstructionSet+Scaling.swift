extension InstructionSet {
    /// No table: the polynomial has to reach from one power of two to the next.
    @inlinable
    @inline(__always)
    package static var rootOfTwoCount: Int { 1 }

    @inlinable
    @inline(__always)
    package static func rootOfTwo(_ i: Integers) -> Floats { broadcast(Float(1)) }

    @inlinable
    @inline(__always)
    package static func rootOfTwoRest(_ i: Integers) -> Floats { broadcast(Float(0)) }

    /// In two steps, as 2ⁿ alone may be too large or too small for a float; the first is exact.
    @inlinable
    @inline(__always)
    package static func scale(_ a: Floats, byPowerOfTwo n: Floats, shifted: Floats) -> Floats {
        let magic = Int32(bitPattern: (0x1.8p23 / Float(rootOfTwoCount)).bitPattern)
        let exponent = shiftRight(
            subtract(bits(shifted), broadcast(magic)),
            by: Int32(rootOfTwoCount.trailingZeroBitCount)
        )
        let half = shiftRight(exponent, by: 1)
        let first = multiply(a, powerOfTwo(half))
        return multiply(first, powerOfTwo(subtract(exponent, half)))
    }

    /// 2ⁿ for -126 ≤ n ≤ 127.
    @inlinable
    @inline(__always)
    internal static func powerOfTwo(_ n: Integers) -> Floats {
        floats(bits: shiftLeft(add(n, broadcast(Int32(127))), by: 23))
    }
}
