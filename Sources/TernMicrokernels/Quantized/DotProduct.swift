/// What a ``DotBody`` does with a group of A and a group of B: both lie in lanes of 32 bits.
@usableFromInline
internal protocol DotProduct {
    /// The instruction set.
    associatedtype Set: BFloatInstructionSet
    /// sum + Σ a·b; sums of floats travel as their bits.
    static func dot(_ sum: Set.Integers, _ a: Set.Integers, _ b: Set.Integers) -> Set.Integers
}

/// Bytes 0...255 of A times bytes -128...127 of B.
@usableFromInline
internal enum UnsignedProduct<I: BFloatInstructionSet>: DotProduct {
    @usableFromInline internal typealias Set = I

    @inlinable
    @inline(__always)
    internal static func dot(_ sum: I.Integers, _ a: I.Integers, _ b: I.Integers) -> I.Integers {
        I.dot(sum, unsigned: a, signed: b)
    }
}

/// Bytes -128...127 of A, each taken for one 128 larger, times bytes -128...127 of B.
///
/// Flipping the upper bit of a byte adds 128 to it. The sums are larger by 128·Σ b, which the zero point
/// of A takes away: it is 128 larger as well.
@usableFromInline
internal enum SignedProduct<I: BFloatInstructionSet>: DotProduct {
    @usableFromInline internal typealias Set = I

    @inlinable
    @inline(__always)
    internal static func dot(_ sum: I.Integers, _ a: I.Integers, _ b: I.Integers) -> I.Integers {
        let flip = I.broadcast(Int32(bitPattern: 0x8080_8080))
        return I.dot(sum, unsigned: I.xor(a, flip), signed: b)
    }
}

/// Pairs of bfloat16.
@usableFromInline
internal enum BFloatProduct<I: BFloatInstructionSet>: DotProduct {
    @usableFromInline internal typealias Set = I

    @inlinable
    @inline(__always)
    internal static func dot(_ sum: I.Integers, _ a: I.Integers, _ b: I.Integers) -> I.Integers {
        I.bits(I.dot(bfloats: I.floats(bits: sum), a, b))
    }
}
