internal import CTernCPU

#if arch(x86_64)
extension X86V4 {
    @inline(__always)
    internal static func first(_ a: SIMD16<Float>) -> Float { tern_f32x16_first(a) }

    @inline(__always)
    internal static func firstLanes(_ count: Int) -> SIMD16<Int32> { tern_i32x16_first(count) }

    @inline(__always)
    internal static func lanes(
        _ a: SIMD16<Float>,
        shiftedDownBy count: Int
    ) -> SIMD16<Float> {
        switch count {
        case 8: tern_f32x16_down8(a)
        case 4: tern_f32x16_down4(a)
        case 2: tern_f32x16_down2(a)
        default: tern_f32x16_down1(a)
        }
    }

    @inline(__always)
    internal static func transpose(
        _ x: UnsafePointer<Float>,
        _ xStride: Int,
        _ y: UnsafeMutablePointer<Float>,
        _ yStride: Int
    ) { unsafe tern_f32x16_transpose(x, xStride, y, yStride) }

    @inline(__always)
    internal static func notZero(_ p: UnsafePointer<UInt8>, count: Int) -> SIMD16<Int32> {
        unsafe tern_u8x16_not_zero(p, count)
    }

    @inline(__always)
    internal static func everyOther(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        tern_f32x16_every_other(a, b)
    }
}
#endif
