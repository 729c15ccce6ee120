internal import CTernCPU

extension Portable {
    @inline(__always)
    internal static func first(_ a: SIMD4<Float>) -> Float { tern_f32x4_first(a) }

    @inline(__always)
    internal static func firstLanes(_ count: Int) -> SIMD4<Int32> { tern_i32x4_first(count) }

    @inline(__always)
    internal static func lanes(
        _ a: SIMD4<Float>,
        shiftedDownBy count: Int
    ) -> SIMD4<Float> {
        switch count {
        case 2: tern_f32x4_down2(a)
        default: tern_f32x4_down1(a)
        }
    }

    @inline(__always)
    internal static func transpose(
        _ x: UnsafePointer<Float>,
        _ xStride: Int,
        _ y: UnsafeMutablePointer<Float>,
        _ yStride: Int
    ) { unsafe tern_f32x4_transpose(x, xStride, y, yStride) }

    @inline(__always)
    internal static func notZero(_ p: UnsafePointer<UInt8>, count: Int) -> SIMD4<Int32> {
        unsafe tern_u8x4_not_zero(p, count)
    }

    @inline(__always)
    internal static func everyOther(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
        tern_f32x4_every_other(a, b)
    }
}
