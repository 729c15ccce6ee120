internal import CTernCPU
internal import TernMicrokernels

#if arch(x86_64)
extension X86V4: QuadInstructionSet {
    @inline(__always)
    internal static func windows(_ p: UnsafePointer<UInt8>, stride: Int32) -> SIMD16<Int32> {
        unsafe tern_i32x16_windows(p, stride)
    }

    @inline(__always)
    internal static func store(
        bytes v: SIMD16<Int32>,
        _ p: UnsafeMutablePointer<UInt8>,
        from lane: Int,
        count: Int
    ) {
        unsafe tern_u8x16_store_lanes(p, v, lane, count)
    }
}
#endif
