internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V3: QuadInstructionSet {
    @inline(__always)
    internal static func windows(_ p: UnsafePointer<UInt8>, stride: Int32) -> SIMD8<Int32> {
        unsafe tern_i32x8_windows(p, stride)
    }

    @inline(__always)
    internal static func store(
        bytes v: SIMD8<Int32>,
        _ p: UnsafeMutablePointer<UInt8>,
        from lane: Int,
        count: Int
    ) {
        unsafe tern_u8x8_store_lanes(p, v, lane, count)
    }
}
#endif
