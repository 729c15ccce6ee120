/// Where the outputs of a Winograd tile go, and what happens to them on the way.
@usableFromInline @safe package struct WinogradOutput {
    /// The first pixel of the tile.
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    @usableFromInline package var rowStep: Int
    @usableFromInline package var columnStep: Int
    /// How many of the tile's four rows and columns are inside the image.
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    /// One float per channel, in whole registers.
    @usableFromInline package var bias: UnsafePointer<Float>
    /// NaN passes both bounds.
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float

    @inlinable
    package init(
        target: UnsafeMutablePointer<Float>,
        rowStep: Int,
        columnStep: Int,
        rowCount: Int,
        columnCount: Int,
        bias: UnsafePointer<Float>,
        lower: Float,
        upper: Float
    ) {
        unsafe self.target = target
        self.rowStep = rowStep
        self.columnStep = columnStep
        self.rowCount = rowCount
        self.columnCount = columnCount
        unsafe self.bias = bias
        self.lower = lower
        self.upper = upper
    }
}

extension WinogradKernel {
    /// Rows 0 and 2 of Aᵀ: m₀ + (m₁ + m₂) + (m₃ + m₄), and a²(m₁ + m₂) + b²(m₃ + m₄).
    @inlinable
    @inline(__always)
    internal static func evenRows(
        _ m0: I.Floats,
        _ m1: I.Floats,
        _ m2: I.Floats,
        _ m3: I.Floats,
        _ m4: I.Floats
    ) -> (I.Floats, I.Floats) {
        let near = I.add(m1, m2)
        let far = I.add(m3, m4)
        let second = I.multiplyAdd(
            I.multiply(I.broadcast(a2), near),
            far,
            I.broadcast(b2)
        )
        return (I.add(m0, I.add(near, far)), second)
    }

    /// Rows 1 and 3 of Aᵀ: a(m₁ − m₂) + b(m₃ − m₄), and a³(m₁ − m₂) + b³(m₃ − m₄) + m₅.
    @inlinable
    @inline(__always)
    internal static func oddRows(
        _ m1: I.Floats,
        _ m2: I.Floats,
        _ m3: I.Floats,
        _ m4: I.Floats,
        _ m5: I.Floats
    ) -> (I.Floats, I.Floats) {
        let near = I.subtract(m1, m2)
        let far = I.subtract(m3, m4)
        let first = I.multiplyAdd(I.multiply(I.broadcast(a), near), far, I.broadcast(b))
        let third = I.multiplyAdd(
            I.multiplyAdd(m5, near, I.broadcast(a * a2)),
            far,
            I.broadcast(b * b2)
        )
        return (first, third)
    }

    /// Aᵀ along one row, with bias and bounds, stored.
    @inlinable
    @inline(__always)
    internal static func finishRow(
        _ m: Six,
        _ output: borrowing WinogradOutput,
        _ row: Int,
        _ channel: Int
    ) {
        guard row < output.rowCount else { return }
        let (m1, m2) = unsafe (m[unchecked: 1], m[unchecked: 2])
        let (m3, m4) = unsafe (m[unchecked: 3], m[unchecked: 4])
        let even = unsafe evenRows(m[unchecked: 0], m1, m2, m3, m4)
        let odd = unsafe oddRows(m1, m2, m3, m4, m[unchecked: 5])
        let bias = unsafe I.load(output.bias + channel)
        let lower = I.broadcast(output.lower)
        let upper = I.broadcast(output.upper)
        let target = unsafe output.target + (row &* output.rowStep &+ channel)
        let step = output.columnStep
        let y0 = I.minimum(upper, I.maximum(lower, I.add(even.0, bias)))
        unsafe I.store(y0, target)
        if output.columnCount > 1 {
            let y1 = I.minimum(upper, I.maximum(lower, I.add(odd.0, bias)))
            unsafe I.store(y1, target + step)
        }
        if output.columnCount > 2 {
            let y2 = I.minimum(upper, I.maximum(lower, I.add(even.1, bias)))
            unsafe I.store(y2, target + 2 &* step)
        }
        if output.columnCount > 3 {
            let y3 = I.minimum(upper, I.maximum(lower, I.add(odd.1, bias)))
            unsafe I.store(y3, target + 3 &* step)
        }
    }

    /// Aᵀ m A for a tile: 36 elements become up to 4×4 pixels.
    @inlinable
    @inline(__always)
    internal static func output(
        _ source: UnsafePointer<Float>,
        _ pointStride: Int,
        _ channelCount: Int,
        _ output: borrowing WinogradOutput
    ) {
        let zero = I.broadcast(Float(0))
        let step = 6 &* pointStride
        var c = 0
        while c < channelCount {
            var first = Six(repeating: zero)
            var second = Six(repeating: zero)
            for j in 0..<6 {
                let p = unsafe source + (j &* pointStride &+ c)
                let rows = unsafe evenRows(
                    I.load(p),
                    I.load(p + step),
                    I.load(p + 2 &* step),
                    I.load(p + 3 &* step),
                    I.load(p + 4 &* step)
                )
                unsafe first[unchecked: j] = rows.0
                unsafe second[unchecked: j] = rows.1
            }
            finishRow(first, output, 0, c)
            finishRow(second, output, 2, c)
            for j in 0..<6 {
                let p = unsafe source + (j &* pointStride &+ c)
                let rows = unsafe oddRows(
                    I.load(p + step),
                    I.load(p + 2 &* step),
                    I.load(p + 3 &* step),
                    I.load(p + 4 &* step),
                    I.load(p + 5 &* step)
                )
                unsafe first[unchecked: j] = rows.0
                unsafe second[unchecked: j] = rows.1
            }
            finishRow(first, output, 1, c)
            finishRow(second, output, 3, c)
            c &+= I.laneCount
        }
    }

    /// Aᵀm for six elements: up to four pixels in a row.
    @inlinable
    @inline(__always)
    internal static func outputRow(
        _ source: UnsafePointer<Float>,
        _ pointStride: Int,
        _ channelCount: Int,
        _ output: borrowing WinogradOutput
    ) {
        var c = 0
        while c < channelCount {
            var m = Six(repeating: I.broadcast(Float(0)))
            for j in 0..<6 {
                unsafe m[unchecked: j] = I.load(source + (j &* pointStride &+ c))
            }
            finishRow(m, output, 0, c)
            c &+= I.laneCount
        }
    }
}
