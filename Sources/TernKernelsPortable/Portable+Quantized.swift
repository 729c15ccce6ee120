internal import CTernCPU
internal import TernMicrokernels

extension Portable: BFloatInstructionSet {
    @inline(__always) internal static var dotRowCount: Int { 4 }

    @inline(__always)
    internal static func dot(
        _ sum: SIMD4<Int32>,
        unsigned: SIMD4<Int32>,
        signed: SIMD4<Int32>
    ) -> SIMD4<Int32> {
        tern_i32x4_dot_bytes(sum, unsigned, signed)
    }

    @inline(__always)
    internal static func dotHalfwords(
        _ sum: SIMD4<Int32>,
        _ a: SIMD4<Int32>,
        _ b: SIMD4<Int32>
    ) -> SIMD4<Int32> {
        tern_i32x4_dot_halfwords(sum, a, b)
    }

    @inline(__always)
    internal static func multiply(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> SIMD4<Int32> {
        tern_i32x4_multiply(a, b)
    }

    @inline(__always)
    internal static func maximum(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> SIMD4<Int32> {
        tern_i32x4_max(a, b)
    }

    @inline(__always)
    internal static func largest(_ a: SIMD4<Int32>) -> Int32 {
        tern_i32x4_largest(a)
    }

    @inline(__always)
    internal static func sum(_ a: SIMD4<Int32>) -> Int32 {
        tern_i32x4_sum(a)
    }

    @inline(__always)
    internal static func shiftRightZero(_ a: SIMD4<Int32>, by count: Int32) -> SIMD4<Int32> {
        tern_i32x4_shift_right_zero(a, count)
    }

    @inline(__always)
    internal static func truncate(_ a: SIMD4<Float>) -> SIMD4<Int32> {
        tern_f32x4_to_i32(a)
    }

    @inline(__always)
    internal static func load(bytes p: UnsafePointer<UInt8>) -> SIMD4<Int32> {
        unsafe tern_u8x4_load(p)
    }

    @inline(__always)
    internal static func load(signedBytes p: UnsafePointer<Int8>) -> SIMD4<Int32> {
        unsafe tern_i8x4_load(p)
    }

    @inline(__always)
    internal static func store(bytes v: SIMD4<Int32>, _ p: UnsafeMutablePointer<UInt8>) {
        unsafe tern_u8x4_store(p, v)
    }

    @inline(__always)
    internal static func dot(
        bfloats sum: SIMD4<Float>,
        _ a: SIMD4<Int32>,
        _ b: SIMD4<Int32>
    ) -> SIMD4<Float> {
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
