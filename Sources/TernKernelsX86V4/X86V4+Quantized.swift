internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V4: BFloatInstructionSet {
    @inline(__always) internal static var dotRowCount: Int { 12 }

    @inline(__always)
    internal static func dot(
        _ sum: SIMD16<Int32>,
        unsigned: SIMD16<Int32>,
        signed: SIMD16<Int32>
    ) -> SIMD16<Int32> {
        tern_i32x16_dot_bytes(sum, unsigned, signed)
    }

    @inline(__always)
    internal static func dotHalfwords(
        _ sum: SIMD16<Int32>,
        _ a: SIMD16<Int32>,
        _ b: SIMD16<Int32>
    ) -> SIMD16<Int32> {
        tern_i32x16_dot_halfwords(sum, a, b)
    }

    @inline(__always)
    internal static func multiply(_ a: SIMD16<Int32>, _ b: SIMD16<Int32>) -> SIMD16<Int32> {
        tern_i32x16_multiply(a, b)
    }

    @inline(__always)
    internal static func maximum(_ a: SIMD16<Int32>, _ b: SIMD16<Int32>) -> SIMD16<Int32> {
        tern_i32x16_max(a, b)
    }

    @inline(__always)
    internal static func largest(_ a: SIMD16<Int32>) -> Int32 {
        tern_i32x16_largest(a)
    }

    @inline(__always)
    internal static func sum(_ a: SIMD16<Int32>) -> Int32 {
        tern_i32x16_sum(a)
    }

    @inline(__always)
    internal static func shiftRightZero(_ a: SIMD16<Int32>, by count: Int32) -> SIMD16<Int32> {
        tern_i32x16_shift_right_zero(a, count)
    }

    @inline(__always)
    internal static func truncate(_ a: SIMD16<Float>) -> SIMD16<Int32> {
        tern_f32x16_to_i32(a)
    }

    @inline(__always)
    internal static func load(bytes p: UnsafePointer<UInt8>) -> SIMD16<Int32> {
        unsafe tern_u8x16_load(p)
    }

    @inline(__always)
    internal static func load(signedBytes p: UnsafePointer<Int8>) -> SIMD16<Int32> {
        unsafe tern_i8x16_load(p)
    }

    @inline(__always)
    internal static func store(bytes v: SIMD16<Int32>, _ p: UnsafeMutablePointer<UInt8>) {
        unsafe tern_u8x16_store(p, v)
    }

    @inline(__always)
    internal static func dot(
        bfloats sum: SIMD16<Float>,
        _ a: SIMD16<Int32>,
        _ b: SIMD16<Int32>
    ) -> SIMD16<Float> {
        tern_f32x16_dot_bfloats(sum, a, b)
    }
}
#endif
