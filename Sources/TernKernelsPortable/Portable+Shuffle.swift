internal import CTernCPU
internal import TernMicrokernels

extension Portable: ShuffleInstructionSet {
    @inline(__always)
    internal static func even(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_even(a, b)
    }

    @inline(__always)
    internal static func odd(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_odd(a, b)
    }

    @inline(__always)
    internal static func zipLow(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_zip_low(a, b)
    }

    @inline(__always)
    internal static func zipHigh(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_zip_high(a, b)
    }
}
