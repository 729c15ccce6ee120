internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V4: PlaneInstructionSet {
    @inline(__always)
    internal static func load(
        _ p: UnsafePointer<Float>,
        from first: Int,
        to end: Int
    ) -> SIMD16<Float> {
        unsafe tern_f32x16_load_lanes(p, first, end)
    }

    @inline(__always)
    internal static func shiftedUp(_ a: SIMD16<Float>, first: Float) -> SIMD16<Float> {
        tern_f32x16_up1(a, first)
    }

    @inline(__always)
    internal static func permute(
        _ a: SIMD16<Float>,
        _ indices: SIMD16<Int32>
    ) -> SIMD16<Float> {
        tern_f32x16_permute(a, indices)
    }
}
#endif
