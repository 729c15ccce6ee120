internal import CTernCPU

#if arch(x86_64)
extension X86V4 {
    @inline(__always)
    internal static var rootOfTwoCount: Int { 16 }

    @inline(__always)
    internal static func rootOfTwo(_ i: SIMD16<Int32>) -> SIMD16<Float> {
        tern_f32x16_root_of_two(i)
    }

    @inline(__always)
    internal static func rootOfTwoRest(_ i: SIMD16<Int32>) -> SIMD16<Float> {
        tern_f32x16_root_of_two_rest(i)
    }

    @inline(__always)
    internal static func scale(
        _ a: SIMD16<Float>,
        byPowerOfTwo n: SIMD16<Float>,
        shifted: SIMD16<Float>
    ) -> SIMD16<Float> {
        tern_f32x16_scale(a, n)
    }
}
#endif
