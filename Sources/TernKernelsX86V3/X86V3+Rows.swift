internal import CTernCPU

#if arch(x86_64)
extension X86V3 {
    @inline(__always)
    internal static func first(_ a: SIMD8<Float>) -> Float { tern_f32x8_first(a) }

    @inline(__always)
    internal static func firstLanes(_ count: Int) -> SIMD8<Int32> { tern_i32x8_first(count) }

    @inline(__always)
    internal static func lanes(
        _ a: SIMD8<Float>,
        shiftedDownBy count: Int
    ) -> SIMD8<Float> {
        switch count {
        case 4: tern_f32x8_down4(a)
        case 2: tern_f32x8_down2(a)
        default: tern_f32x8_down1(a)
        }
    }

    @inline(__always)
    internal static func transpose(
        _ x: UnsafePointer<Float>,
        _ xStride: Int,
        _ y: UnsafeMutablePointer<Float>,
        _ yStride: Int
    ) { unsafe tern_f32x8_transpose(x, xStride, y, yStride) }

    @inline(__always)
    internal static func notZero(_ p: UnsafePointer<UInt8>, count: Int) -> SIMD8<Int32> {
        unsafe tern_u8x8_not_zero(p, count)
    }

    @inline(__always)
    internal static func everyOther(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        tern_f32x8_every_other(a, b)
    }
}
#endif
