internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V3: BFloatInstructionSet {
    @inline(__always) internal static var dotRowCount: Int { 4 }

    @inline(__always)
    internal static func dot(
        _ sum: SIMD8<Int32>,
        unsigned: SIMD8<Int32>,
        signed: SIMD8<Int32>
    ) -> SIMD8<Int32> {
        tern_i32x8_dot_bytes(sum, unsigned, signed)
    }

    @inline(__always)
    internal static func dotHalfwords(
        _ sum: SIMD8<Int32>,
        _ a: SIMD8<Int32>,
        _ b: SIMD8<Int32>
    ) -> SIMD8<Int32> {
        tern_i32x8_dot_halfwords(sum, a, b)
    }

    @inline(__always)
    internal static func multiply(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> {
        tern_i32x8_multiply(a, b)
    }

    @inline(__always)
    internal static func maximum(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> {
        tern_i32x8_max(a, b)
    }

    @inline(__always)
    internal static func largest(_ a: SIMD8<Int32>) -> Int32 {
        tern_i32x8_largest(a)
    }

    @inline(__always)
    internal static func sum(_ a: SIMD8<Int32>) -> Int32 {
        tern_i32x8_sum(a)
    }

    @inline(__always)
    internal static func shiftRightZero(_ a: SIMD8<Int32>, by count: Int32) -> SIMD8<Int32> {
        tern_i32x8_shift_right_zero(a, count)
    }

    @inline(__always)
    internal static func truncate(_ a: SIMD8<Float>) -> SIMD8<Int32> {
        tern_f32x8_to_i32(a)
    }

    @inline(__always)
    internal static func load(bytes p: UnsafePointer<UInt8>) -> SIMD8<Int32> {
        unsafe tern_u8x8_load(p)
    }

    @inline(__always)
    internal static func load(signedBytes p: UnsafePointer<Int8>) -> SIMD8<Int32> {
        unsafe tern_i8x8_load(p)
    }

    @inline(__always)
    internal static func store(bytes v: SIMD8<Int32>, _ p: UnsafeMutablePointer<UInt8>) {
        unsafe tern_u8x8_store(p, v)
    }

    @inline(__always)
    internal static func dot(
        bfloats sum: SIMD8<Float>,
        _ a: SIMD8<Int32>,
        _ b: SIMD8<Int32>
    ) -> SIMD8<Float> {
        // A bfloat16 is the upper half of a float, and the product of two is exact in one.
        let upper = broadcast(Int32(bitPattern: 0xffff_0000))
        let first = multiplyAdd(sum, floats(bits: a & upper), floats(bits: b & upper))
        return multiplyAdd(
            first,
            floats(bits: shiftLeft(a, by: 16)),
            floats(bits: shiftLeft(b, by: 16))
        )
    }
}
#endif
