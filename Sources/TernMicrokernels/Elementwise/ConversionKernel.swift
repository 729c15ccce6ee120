/// 16-bit floats to 32-bit ones and back.
///
/// Scalar twin: Swift's `Float16`, and the upper half of a `Float` rounded to nearest.
@usableFromInline
internal enum ConversionKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func widen(
        _ x: UnsafePointer<UInt16>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ convert: (I.Halfwords) -> I.Floats
    ) {
        var i = 0
        while count &- i >= I.laneCount {
            unsafe I.store(convert(I.load(x + i)), y + i)
            i &+= I.laneCount
        }
        guard i < count else { return }
        // The last few go through a full register on the stack.
        var rest = InlineArray<16, UInt16>(repeating: 0)
        for j in 0..<count &- i { unsafe rest[unchecked: j] = x[i &+ j] }
        unsafe withUnsafePointer(to: &rest) { buffer in
            unsafe buffer.withMemoryRebound(to: UInt16.self, capacity: 16) {
                unsafe I.store(convert(I.load($0)), y + i, count: count &- i)
            }
        }
    }

    @inlinable
    @inline(__always)
    internal static func narrow(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<UInt16>,
        _ count: Int,
        _ convert: (I.Floats) -> I.Halfwords
    ) {
        var i = 0
        while count &- i >= I.laneCount {
            unsafe I.store(convert(I.load(x + i)), y + i)
            i &+= I.laneCount
        }
        guard i < count else { return }
        var rest = InlineArray<16, UInt16>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &rest) { buffer in
            unsafe buffer.withMemoryRebound(to: UInt16.self, capacity: 16) {
                unsafe I.store(convert(I.load(x + i, count: count &- i)), $0)
            }
        }
        for j in 0..<count &- i { unsafe y[i &+ j] = rest[unchecked: j] }
    }

    @inlinable
    @inline(__always)
    internal static func floats(bfloat: I.Halfwords) -> I.Floats {
        I.floats(bits: I.shiftLeft(I.integers(bfloat), by: 16))
    }

    /// To nearest, ties to even; a NaN keeps its upper bits and becomes quiet.
    @inlinable
    @inline(__always)
    internal static func bfloat(_ x: I.Floats) -> I.Halfwords {
        let bits = I.bits(x)
        let odd = I.and(I.shiftRight(bits, by: 16), I.broadcast(Int32(1)))
        let rounded = I.add(bits, I.add(odd, I.broadcast(Int32(0x7fff))))
        let quiet = I.or(bits, I.broadcast(Int32(0x0040_0000)))
        let isNaN = I.notEqual(x, x)
        let chosen = I.select(isNaN, I.floats(bits: quiet), I.floats(bits: rounded))
        // An arithmetic shift leaves the upper half where the narrowing expects it.
        return I.halfwords(I.and(I.shiftRight(I.bits(chosen), by: 16), I.broadcast(Int32(0xffff))))
    }
}
