internal import CTernCPU

#if arch(x86_64)
extension X86V4 {
    @inline(__always)
    internal static func prefetch(_ p: UnsafePointer<Float>) { unsafe tern_prefetch_l2(p) }
}
#endif
