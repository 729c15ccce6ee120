/// What quantised kernels need of an instruction set besides arithmetic of floats.
///
/// A register of ``InstructionSet/Integers`` also stands for a register of groups: each lane holds four
/// bytes, the first in the lowest bits.
@usableFromInline package protocol IntegerInstructionSet: InstructionSet {
    /// The most rows of C whose sums fit the registers beside two registers of B; 4 or 12.
    static var dotRowCount: Int { get }

    /// sum + Σ unsigned·signed over the four bytes of each lane, modulo 2³²; nothing saturates.
    static func dot(_ sum: Integers, unsigned: Integers, signed: Integers) -> Integers
    /// sum + Σ a·b over the two signed 16-bit numbers of each lane, modulo 2³².
    static func dotHalfwords(_ sum: Integers, _ a: Integers, _ b: Integers) -> Integers

    /// The lower 32 bits of each product.
    static func multiply(_ a: Integers, _ b: Integers) -> Integers
    /// The larger.
    static func maximum(_ a: Integers, _ b: Integers) -> Integers
    /// The largest of all lanes.
    static func largest(_ a: Integers) -> Int32
    /// The sum of all lanes, modulo 2³².
    static func sum(_ a: Integers) -> Int32
    /// Fills up with zeros from above.
    static func shiftRightZero(_ a: Integers, by count: Int32) -> Integers
    /// Drops the fraction; every lane must fit.
    static func truncate(_ a: Floats) -> Integers

    /// As many bytes as there are lanes, 0...255.
    static func load(bytes p: UnsafePointer<UInt8>) -> Integers
    /// As many bytes as there are lanes, -128...127.
    static func load(signedBytes p: UnsafePointer<Int8>) -> Integers
    /// The lowest byte of each lane.
    static func store(bytes v: Integers, _ p: UnsafeMutablePointer<UInt8>)
}

/// What products of bfloat16 need.
@usableFromInline package protocol BFloatInstructionSet: IntegerInstructionSet {
    /// sum + Σ a·b over the two bfloat16 of each lane.
    ///
    /// The product of the upper ones is added first, then that of the lower ones, each sum rounded to
    /// nearest. An instruction set may take denormals for zero.
    static func dot(bfloats sum: Floats, _ a: Integers, _ b: Integers) -> Floats
}

extension IntegerInstructionSet {
    /// A register of 32-bit integers; no alignment is needed.
    @inlinable
    @inline(__always)
    internal static func load(_ p: UnsafePointer<Int32>) -> Integers {
        bits(unsafe load(UnsafeRawPointer(p).assumingMemoryBound(to: Float.self)))
    }

    /// The first `count` integers; the others are 0.
    @inlinable
    @inline(__always)
    internal static func load(_ p: UnsafePointer<Int32>, count: Int) -> Integers {
        bits(unsafe load(UnsafeRawPointer(p).assumingMemoryBound(to: Float.self), count: count))
    }

    /// The first `count` of the lanes, all if there are as many.
    @inlinable
    @inline(__always)
    internal static func storeFirst(
        _ v: Floats,
        _ p: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        if count >= laneCount {
            unsafe store(v, p)
        } else {
            unsafe store(v, p, count: count)
        }
    }

    /// The lowest bytes of the first `count` lanes, all if there are as many.
    @inlinable
    @inline(__always)
    internal static func storeFirst(
        bytes v: Integers,
        _ p: UnsafeMutablePointer<UInt8>,
        _ count: Int
    ) {
        if count >= laneCount {
            unsafe store(bytes: v, p)
            return
        }
        var rest = InlineArray<16, UInt8>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &rest) { buffer in
            unsafe buffer.withMemoryRebound(to: UInt8.self, capacity: 16) {
                unsafe store(bytes: v, $0)
            }
        }
        for i in 0..<count { unsafe p[i] = rest[unchecked: i] }
    }
}
