internal import CTernCPU

#if arch(x86_64)
extension X86V3 {
    @inline(__always)
    internal static var rootOfTwoCount: Int { 8 }

    @inline(__always)
    internal static func rootOfTwo(_ i: SIMD8<Int32>) -> SIMD8<Float> {
        tern_f32x8_root_of_two(i)
    }

    @inline(__always)
    internal static func rootOfTwoRest(_ i: SIMD8<Int32>) -> SIMD8<Float> {
        tern_f32x8_root_of_two_rest(i)
    }
}
#endif
