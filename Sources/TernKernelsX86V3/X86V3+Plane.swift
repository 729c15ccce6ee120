internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V3: PlaneInstructionSet {
    @inline(__always)
    internal static func load(
        _ p: UnsafePointer<Float>,
        from first: Int,
        to end: Int
    ) -> SIMD8<Float> {
        unsafe tern_f32x8_load_lanes(p, first, end)
    }

    @inline(__always)
    internal static func shiftedUp(_ a: SIMD8<Float>, first: Float) -> SIMD8<Float> {
        tern_f32x8_up1(a, first)
    }

    @inline(__always)
    internal static func permute(
        _ a: SIMD8<Float>,
        _ indices: SIMD8<Int32>
    ) -> SIMD8<Float> {
        tern_f32x8_permute(a, indices)
    }
}
#endif
