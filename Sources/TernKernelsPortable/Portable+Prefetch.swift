internal import CTernCPU

extension Portable {
    @inline(__always)
    internal static func prefetch(_ p: UnsafePointer<Float>) { unsafe tern_prefetch_l2(p) }
}
