internal import CTernCPU
internal import TernMicrokernels

extension Portable: QuadInstructionSet {
    @inline(__always)
    internal static func windows(_ p: UnsafePointer<UInt8>, stride: Int32) -> SIMD4<Int32> {
        unsafe tern_i32x4_windows(p, stride)
    }

    @inline(__always)
    internal static func store(
        bytes v: SIMD4<Int32>,
        _ p: UnsafeMutablePointer<UInt8>,
        from lane: Int,
        count: Int
    ) {
        unsafe tern_u8x4_store_lanes(p, v, lane, count)
    }
}
