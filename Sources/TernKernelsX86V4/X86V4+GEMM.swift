internal import CTernCPU

#if arch(x86_64)
extension X86V4 {
    @inline(__always)
    internal static func prefetch(_ p: UnsafePointer<Float>) { unsafe tern_prefetch_l2(p) }

    @inline(__always)
    internal static func transposeFour(
        _ p: UnsafePointer<Float>,
        stride: Int,
        scale: Float,
        into target: UnsafeMutablePointer<Float>,
        stride targetStride: Int
    ) { unsafe tern_f32x16_transpose4(p, stride, scale, target, targetStride) }
}
#endif
