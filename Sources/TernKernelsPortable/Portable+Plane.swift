internal import CTernCPU
internal import TernMicrokernels

extension Portable: PlaneInstructionSet {
    @inline(__always)
    internal static func load(
        _ p: UnsafePointer<Float>,
        from first: Int,
        to end: Int
    ) -> SIMD4<Float> {
        unsafe tern_f32x4_load_lanes(p, first, end)
    }

    @inline(__always)
    internal static func shiftedUp(_ a: SIMD4<Float>, first: Float) -> SIMD4<Float> {
        tern_f32x4_up1(a, first)
    }

    @inline(__always)
    internal static func permute(
        _ a: SIMD4<Float>,
        _ indices: SIMD4<Int32>
    ) -> SIMD4<Float> {
        tern_f32x4_permute(a, indices)
    }
}
