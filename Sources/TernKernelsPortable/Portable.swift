internal import CTernCPU
package import TernMicrokernels

/// The kernels of this module's instruction set.
package let portableKernels = KernelTable(name: "portable", Portable.self)

/// The baseline of the machine this is compiled for: 128-bit registers, no fused multiplication.
internal enum Portable: InstructionSet {
    internal typealias Floats = SIMD4<Float>
    internal typealias Integers = SIMD4<Int32>
    internal typealias Halfwords = SIMD4<UInt16>

    @inline(__always) internal static var laneCount: Int { 4 }
    @inline(__always) internal static var maximumRowCount: Int { 6 }

    @inline(__always)
    internal static func broadcast(_ x: Float) -> SIMD4<Float> {
        SIMD4<Float>(repeating: x)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<Float>) -> SIMD4<Float> {
        unsafe tern_f32x4_load(p)
    }

    @inline(__always)
    internal static func store(_ v: SIMD4<Float>, _ p: UnsafeMutablePointer<Float>) {
        unsafe tern_f32x4_store(p, v)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<Float>, count: Int) -> SIMD4<Float> {
        unsafe tern_f32x4_load_partial(p, count)
    }

    @inline(__always)
    internal static func store(_ v: SIMD4<Float>, _ p: UnsafeMutablePointer<Float>, count: Int) {
        unsafe tern_f32x4_store_partial(p, v, count)
    }

    @inline(__always)
    internal static func load(_ p: UnsafePointer<UInt16>) -> SIMD4<UInt16> {
        unsafe tern_u16x4_load(p)
    }

    @inline(__always)
    internal static func store(_ v: SIMD4<UInt16>, _ p: UnsafeMutablePointer<UInt16>) {
        unsafe tern_u16x4_store(p, v)
    }

    @inline(__always)
    internal static func add(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        a + b
    }

    @inline(__always)
    internal static func subtract(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        a - b
    }

    @inline(__always)
    internal static func multiply(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        a * b
    }

    @inline(__always)
    internal static func divide(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        a / b
    }

    @inline(__always)
    internal static func multiplyAdd(
        _ c: SIMD4<Float>,
        _ a: SIMD4<Float>,
        _ b: SIMD4<Float>
    ) -> SIMD4<Float> {
        a * b + c
    }

    @inline(__always)
    internal static func maximum(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_max(a, b)
    }

    @inline(__always)
    internal static func minimum(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_min(a, b)
    }

    @inline(__always)
    internal static func squareRoot(_ a: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_sqrt(a)
    }

    @inline(__always)
    internal static func floor(_ a: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_floor(a)
    }

    @inline(__always)
    internal static func ceiling(_ a: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_ceil(a)
    }

    @inline(__always)
    internal static func roundToEven(_ a: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_roundeven(a)
    }

    @inline(__always)
    internal static func sum(_ a: SIMD4<Float>) -> Float {
        tern_f32x4_sum(a)
    }

    @inline(__always)
    internal static func less(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Int32> {
        tern_f32x4_less(a, b)
    }

    @inline(__always)
    internal static func lessOrEqual(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Int32> {
        tern_f32x4_less_or_equal(a, b)
    }

    @inline(__always)
    internal static func equal(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Int32> {
        tern_f32x4_equal(a, b)
    }

    @inline(__always)
    internal static func notEqual(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Int32> {
        tern_f32x4_not_equal(a, b)
    }

    @inline(__always)
    internal static func select(
        _ mask: SIMD4<Int32>,
        _ yes: SIMD4<Float>,
        _ no: SIMD4<Float>
    ) -> SIMD4<Float> {
        tern_f32x4_select(mask, yes, no)
    }

    @inline(__always)
    internal static func bits(_ a: SIMD4<Float>) -> SIMD4<Int32> {
        tern_f32x4_bits(a)
    }

    @inline(__always)
    internal static func floats(bits: SIMD4<Int32>) -> SIMD4<Float> {
        tern_i32x4_float_bits(bits)
    }

    @inline(__always)
    internal static func broadcast(_ x: Int32) -> SIMD4<Int32> {
        SIMD4<Int32>(repeating: x)
    }

    @inline(__always)
    internal static func add(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> SIMD4<Int32> {
        a &+ b
    }

    @inline(__always)
    internal static func subtract(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> SIMD4<Int32> {
        a &- b
    }

    @inline(__always)
    internal static func and(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> SIMD4<Int32> {
        a & b
    }

    @inline(__always)
    internal static func or(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> SIMD4<Int32> {
        a | b
    }

    @inline(__always)
    internal static func xor(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> SIMD4<Int32> {
        a ^ b
    }

    @inline(__always)
    internal static func shiftLeft(_ a: SIMD4<Int32>, by count: Int32) -> SIMD4<Int32> {
        tern_i32x4_shift_left(a, count)
    }

    @inline(__always)
    internal static func shiftRight(_ a: SIMD4<Int32>, by count: Int32) -> SIMD4<Int32> {
        tern_i32x4_shift_right(a, count)
    }

    @inline(__always)
    internal static func convert(_ a: SIMD4<Int32>) -> SIMD4<Float> {
        tern_i32x4_to_f32(a)
    }

    @inline(__always)
    internal static func halfwords(_ a: SIMD4<Int32>) -> SIMD4<UInt16> {
        tern_i32x4_to_u16(a)
    }

    @inline(__always)
    internal static func integers(_ a: SIMD4<UInt16>) -> SIMD4<Int32> {
        tern_u16x4_to_i32(a)
    }

    @inline(__always)
    internal static func floats(half: SIMD4<UInt16>) -> SIMD4<Float> {
        tern_f16x4_to_f32(half)
    }

    @inline(__always)
    internal static func half(_ a: SIMD4<Float>) -> SIMD4<UInt16> {
        tern_f32x4_to_f16(a)
    }
}
