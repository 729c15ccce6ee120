extension InstructionSet {
    /// In two steps, as 2ⁿ alone may be too large or too small for a float; the first is exact.
    @inlinable
    @inline(__always)
    package static func scale(_ a: Floats, byPowerOfTwo n: Floats, shifted: Floats) -> Floats {
        let exponent = subtract(bits(shifted), broadcast(Int32(0x4b40_0000)))
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
