internal import CTernCPU
package import TernMicrokernels

#if arch(x86_64)
/// The kernels of this module's instruction set; where the target is another processor family, there
/// are none.
///
/// Running them needs a machine that has the instructions: `tern_x86_level()` tells. (Not an optional:
/// copying one would put a function that any module could share into this one.)
package var x86V3Kernels: KernelTable { KernelTable(name: "v3", X86V3.self) }

/// x86-64-v3: AVX2, FMA, F16C.
internal enum X86V3: InstructionSet {
    internal typealias Floats = SIMD8<Float>
    internal typealias Integers = SIMD8<Int32>
    internal typealias Halfwords = SIMD8<UInt16>

    @inline(__always) internal static var laneCount: Int { 8 }
    @inline(__always) internal static var maximumRowCount: Int { 6 }

    @inline(__always)
    internal static func broadcast(_ x: Float) -> SIMD8<Float> {
        SIMD8<Float>(repeating: x)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<Float>) -> SIMD8<Float> {
        unsafe tern_f32x8_load(p)
    }

    @inline(__always)
    internal static func store(_ v: SIMD8<Float>, _ p: UnsafeMutablePointer<Float>) {
        unsafe tern_f32x8_store(p, v)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<Float>, count: Int) -> SIMD8<Float> {
        unsafe tern_f32x8_load_partial(p, count)
    }

    @inline(__always)
    internal static func store(_ v: SIMD8<Float>, _ p: UnsafeMutablePointer<Float>, count: Int) {
        unsafe tern_f32x8_store_partial(p, v, count)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<UInt16>) -> SIMD8<UInt16> {
        unsafe tern_u16x8_load(p)
    }

    @inline(__always)
    internal static func store(_ v: SIMD8<UInt16>, _ p: UnsafeMutablePointer<UInt16>) {
        unsafe tern_u16x8_store(p, v)
    }

    @inline(__always)
    internal static func add(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        a + b
    }

    @inline(__always)
    internal static func subtract(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        a - b
    }

    @inline(__always)
    internal static func multiply(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        a * b
    }

    @inline(__always)
    internal static func divide(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        a / b
    }

    @inline(__always)
    internal static func multiplyAdd(
        _ c: SIMD8<Float>,
        _ a: SIMD8<Float>,
        _ b: SIMD8<Float>
    ) -> SIMD8<Float> {
        tern_f32x8_multiply_add(c, a, b)
    }

    @inline(__always)
    internal static func maximum(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_max(a, b)
    }

    @inline(__always)
    internal static func minimum(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_min(a, b)
    }

    @inline(__always)
    internal static func squareRoot(_ a: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_sqrt(a)
    }

    @inline(__always)
    internal static func floor(_ a: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_floor(a)
    }

    @inline(__always)
    internal static func ceiling(_ a: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_ceil(a)
    }

    @inline(__always)
    internal static func roundToEven(_ a: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_roundeven(a)
    }

    @inline(__always)
    internal static func sum(_ a: SIMD8<Float>) -> Float {
        tern_f32x8_sum(a)
    }

    @inline(__always)
    internal static func less(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Int32> {
        tern_f32x8_less(a, b)
    }

    @inline(__always)
    internal static func lessOrEqual(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Int32> {
        tern_f32x8_less_or_equal(a, b)
    }

    @inline(__always)
    internal static func equal(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Int32> {
        tern_f32x8_equal(a, b)
    }

    @inline(__always)
    internal static func notEqual(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Int32> {
        tern_f32x8_not_equal(a, b)
    }

    @inline(__always)
    internal static func select(
        _ mask: SIMD8<Int32>,
        _ yes: SIMD8<Float>,
        _ no: SIMD8<Float>
    ) -> SIMD8<Float> {
        tern_f32x8_select(mask, yes, no)
    }

    @inline(__always)
    internal static func bits(_ a: SIMD8<Float>) -> SIMD8<Int32> {
        tern_f32x8_bits(a)
    }

    @inline(__always)
    internal static func floats(bits: SIMD8<Int32>) -> SIMD8<Float> {
        tern_i32x8_float_bits(bits)
    }

    @inline(__always)
    internal static func broadcast(_ x: Int32) -> SIMD8<Int32> {
        SIMD8<Int32>(repeating: x)
    }

    @inline(__always)
    internal static func add(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> {
        a &+ b
    }

    @inline(__always)
    internal static func subtract(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> {
        a &- b
    }

    @inline(__always)
    internal static func and(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> {
        a & b
    }

    @inline(__always)
    internal static func or(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> {
        a | b
    }

    @inline(__always)
    internal static func xor(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> {
        a ^ b
    }

    @inline(__always)
    internal static func shiftLeft(_ a: SIMD8<Int32>, by count: Int32) -> SIMD8<Int32> {
        tern_i32x8_shift_left(a, count)
    }

    @inline(__always)
    internal static func shiftRight(_ a: SIMD8<Int32>, by count: Int32) -> SIMD8<Int32> {
        tern_i32x8_shift_right(a, count)
    }

    @inline(__always)
    internal static func convert(_ a: SIMD8<Int32>) -> SIMD8<Float> {
        tern_i32x8_to_f32(a)
    }

    @inline(__always)
    internal static func halfwords(_ a: SIMD8<Int32>) -> SIMD8<UInt16> {
        tern_i32x8_to_u16(a)
    }

    @inline(__always)
    internal static func integers(_ a: SIMD8<UInt16>) -> SIMD8<Int32> {
        tern_u16x8_to_i32(a)
    }

    @inline(__always)
    internal static func floats(half: SIMD8<UInt16>) -> SIMD8<Float> {
        tern_f16x8_to_f32(half)
    }

    @inline(__always)
    internal static func half(_ a: SIMD8<Float>) -> SIMD8<UInt16> {
        tern_f32x8_to_f16(a)
    }
}
#endif
