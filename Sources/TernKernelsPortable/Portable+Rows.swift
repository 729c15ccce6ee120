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
}
