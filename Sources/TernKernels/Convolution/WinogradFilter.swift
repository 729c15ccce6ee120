/// The filter transform of Winograd's methods: G g Gᵀ, or G g for a filter of one row.
///
/// Row p of G is (1, p, p²) / Π(p − q) over the other finite points q, and (0, 0, 1) for ∞; the
/// points, in the order of ``WinogradKernel``'s elements, are 0, 3/4, −3/4, 3/2, −3/2 and ∞. Computed in
/// double precision and rounded once.
internal enum WinogradFilter {
    private static let points: [Double] = [0, 0.75, -0.75, 1.5, -1.5]

    internal static let matrix: [[Double]] =
        points.map { p in
            let divisor = points.filter { $0 != p }.map { p - $0 }.reduce(1, *)
            return [1 / divisor, p / divisor, p * p / divisor]
        } + [[0, 0, 1]]

    /// Transforms one filter of 3 or 9 taps to 6 or 36 points.
    @unsafe internal static func transform(
        _ taps: UnsafePointer<Float>,
        points: Int
    ) -> [Float] {
        func row(_ g: (Double, Double, Double)) -> [Double] {
            matrix.map { $0[0] * g.0 + $0[1] * g.1 + $0[2] * g.2 }
        }
        let rows = (0..<(points == 36 ? 3 : 1)).map { r in
            unsafe row((Double(taps[3 * r]), Double(taps[3 * r + 1]), Double(taps[3 * r + 2])))
        }
        guard points == 36 else { return rows[0].map { Float($0) } }
        // Column j of the first transform, transformed: element 6i + j.
        let columns = (0..<6).map { row((rows[0][$0], rows[1][$0], rows[2][$0])) }
        return (0..<36).map { Float(columns[$0 % 6][$0 / 6]) }
    }
}
