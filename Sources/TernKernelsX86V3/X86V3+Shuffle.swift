internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V3: ShuffleInstructionSet {
    @inline(__always)
    internal static func even(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_even(a, b)
    }

    @inline(__always)
    internal static func odd(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_odd(a, b)
    }

    @inline(__always)
    internal static func zipLow(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_zip_low(a, b)
    }

    @inline(__always)
    internal static func zipHigh(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_zip_high(a, b)
    }
}
#endif
