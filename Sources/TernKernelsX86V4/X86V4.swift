internal import CTernCPU
package import TernMicrokernels

#if arch(x86_64)
/// The kernels of this module's instruction set; where the target is another processor family, there
/// are none.
///
/// Running them needs a machine that has the instructions: `tern_x86_level()` tells. (Not an optional:
/// copying one would put a function that any module could share into this one.)
package var x86V4Kernels: KernelTable { KernelTable(name: "v4", X86V4.self) }

/// x86-64-v4: AVX-512 F, BW, CD, DQ, VL.
internal enum X86V4: InstructionSet {
    internal typealias Floats = SIMD16<Float>
    internal typealias Integers = SIMD16<Int32>
    internal typealias Halfwords = SIMD16<UInt16>

    @inline(__always) internal static var laneCount: Int { 16 }
    @inline(__always) internal static var maximumRowCount: Int { 12 }

    @inline(__always)
    internal static func broadcast(_ x: Float) -> SIMD16<Float> {
        SIMD16<Float>(repeating: x)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<Float>) -> SIMD16<Float> {
        unsafe tern_f32x16_load(p)
    }

    @inline(__always)
    internal static func store(_ v: SIMD16<Float>, _ p: UnsafeMutablePointer<Float>) {
        unsafe tern_f32x16_store(p, v)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<Float>, count: Int) -> SIMD16<Float> {
        unsafe tern_f32x16_load_partial(p, count)
    }

    @inline(__always)
    internal static func store(_ v: SIMD16<Float>, _ p: UnsafeMutablePointer<Float>, count: Int) {
        unsafe tern_f32x16_store_partial(p, v, count)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<UInt16>) -> SIMD16<UInt16> {
        unsafe tern_u16x16_load(p)
    }

    @inline(__always)
    internal static func store(_ v: SIMD16<UInt16>, _ p: UnsafeMutablePointer<UInt16>) {
        unsafe tern_u16x16_store(p, v)
    }

    @inline(__always)
    internal static func add(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        a + b
    }

    @inline(__always)
    internal static func subtract(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        a - b
    }

    @inline(__always)
    internal static func multiply(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        a * b
    }

    @inline(__always)
    internal static func divide(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        a / b
    }

    @inline(__always)
    internal static func multiplyAdd(
        _ c: SIMD16<Float>,
        _ a: SIMD16<Float>,
        _ b: SIMD16<Float>
    ) -> SIMD16<Float> {
        tern_f32x16_multiply_add(c, a, b)
    }

    @inline(__always)
    internal static func maximum(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_max(a, b)
    }

    @inline(__always)
    internal static func minimum(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_min(a, b)
    }

    @inline(__always)
    internal static func squareRoot(_ a: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_sqrt(a)
    }

    @inline(__always)
    internal static func floor(_ a: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_floor(a)
    }

    @inline(__always)
    internal static func ceiling(_ a: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_ceil(a)
    }

    @inline(__always)
    internal static func roundToEven(_ a: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_roundeven(a)
    }

    @inline(__always)
    internal static func sum(_ a: SIMD16<Float>) -> Float {
        tern_f32x16_sum(a)
    }

    @inline(__always)
    internal static func less(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Int32> {
        tern_f32x16_less(a, b)
    }

    @inline(__always)
    internal static func lessOrEqual(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Int32> {
        tern_f32x16_less_or_equal(a, b)
    }

    @inline(__always)
    internal static func equal(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Int32> {
        tern_f32x16_equal(a, b)
    }

    @inline(__always)
    internal static func notEqual(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Int32> {
        tern_f32x16_not_equal(a, b)
    }

    @inline(__always)
    internal static func select(
        _ mask: SIMD16<Int32>,
        _ yes: SIMD16<Float>,
        _ no: SIMD16<Float>
    ) -> SIMD16<Float> {
        tern_f32x16_select(mask, yes, no)
    }

    @inline(__always)
    internal static func bits(_ a: SIMD16<Float>) -> SIMD16<Int32> {
        tern_f32x16_bits(a)
    }

    @inline(__always)
    internal static func floats(bits: SIMD16<Int32>) -> SIMD16<Float> {
        tern_i32x16_float_bits(bits)
    }

    @inline(__always)
    internal static func broadcast(_ x: Int32) -> SIMD16<Int32> {
        SIMD16<Int32>(repeating: x)
    }

    @inline(__always)
    internal static func add(_ a: SIMD16<Int32>, _ b: SIMD16<Int32>) -> SIMD16<Int32> {
        a &+ b
    }

    @inline(__always)
    internal static func subtract(_ a: SIMD16<Int32>, _ b: SIMD16<Int32>) -> SIMD16<Int32> {
        a &- b
    }

    @inline(__always)
    internal static func and(_ a: SIMD16<Int32>, _ b: SIMD16<Int32>) -> SIMD16<Int32> {
        a & b
    }

    @inline(__always)
    internal static func or(_ a: SIMD16<Int32>, _ b: SIMD16<Int32>) -> SIMD16<Int32> {
        a | b
    }

    @inline(__always)
    internal static func xor(_ a: SIMD16<Int32>, _ b: SIMD16<Int32>) -> SIMD16<Int32> {
        a ^ b
    }

    @inline(__always)
    internal static func shiftLeft(_ a: SIMD16<Int32>, by count: Int32) -> SIMD16<Int32> {
        tern_i32x16_shift_left(a, count)
    }

    @inline(__always)
    internal static func shiftRight(_ a: SIMD16<Int32>, by count: Int32) -> SIMD16<Int32> {
        tern_i32x16_shift_right(a, count)
    }

    @inline(__always)
    internal static func convert(_ a: SIMD16<Int32>) -> SIMD16<Float> {
        tern_i32x16_to_f32(a)
    }

    @inline(__always)
    internal static func halfwords(_ a: SIMD16<Int32>) -> SIMD16<UInt16> {
        tern_i32x16_to_u16(a)
    }

    @inline(__always)
    internal static func integers(_ a: SIMD16<UInt16>) -> SIMD16<Int32> {
        tern_u16x16_to_i32(a)
    }

    @inline(__always)
    internal static func floats(half: SIMD16<UInt16>) -> SIMD16<Float> {
        tern_f16x16_to_f32(half)
    }

    @inline(__always)
    internal static func half(_ a: SIMD16<Float>) -> SIMD16<UInt16> {
        tern_f32x16_to_f16(a)
    }
}
#endif
