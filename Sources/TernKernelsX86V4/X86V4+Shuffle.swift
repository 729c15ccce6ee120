internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V4: ShuffleInstructionSet {
    @inline(__always)
    internal static func even(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_even(a, b)
    }

    @inline(__always)
    internal static func odd(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_odd(a, b)
    }

    @inline(__always)
    internal static func zipLow(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_zip_low(a, b)
    }

    @inline(__always)
    internal static func zipHigh(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_zip_high(a, b)
    }
}
#endif
