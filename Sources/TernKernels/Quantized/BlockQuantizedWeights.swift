/// Weights in blocks along K, quantised to four or eight bits: how files keep them, and how they are made.
///
/// A weight is `scale·(code - zeroPoint)`. The codes of a column lie side by side, block after block, the
/// last block filled up; of two codes in a byte the lower half comes first. One scale stands for each
/// block of a column, and one zero point, or 8 respectively 128 for all. It is the layout of
/// com.microsoft's MatMulNBits.
package struct BlockQuantizedWeights: Sendable {
    /// K.
    package let rowCount: Int
    /// N.
    package let columnCount: Int
    /// The weights of one block; a multiple of 32.
    package let blockSize: Int
    /// The bits of a code: 4 or 8.
    package let bitCount: Int
    /// The codes: N columns of ``blockCount`` blocks.
    package let codes: [UInt8]
    /// N columns of ``blockCount`` scales.
    package let scales: [Float]
    /// N columns of ``blockCount`` zero points, one byte each, or none.
    package let zeroPoints: [UInt8]?

    /// The blocks of one column.
    package var blockCount: Int { (rowCount + blockSize - 1) / blockSize }

    /// The bytes of the codes of one block.
    package var blockByteCount: Int { blockSize * bitCount / 8 }

    /// Takes weights as they are.
    ///
    /// - Precondition: The arrays are as long as the sizes say.
    package init(
        rowCount: Int,
        columnCount: Int,
        blockSize: Int = 32,
        bitCount: Int,
        codes: [UInt8],
        scales: [Float],
        zeroPoints: [UInt8]? = nil
    ) {
        precondition(bitCount == 4 || bitCount == 8, "weights have codes of 4 or 8 bits")
        precondition(
            blockSize > 0 && blockSize % 32 == 0,
            "a block of weights is a multiple of 32 long"
        )
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.blockSize = blockSize
        self.bitCount = bitCount
        self.codes = codes
        self.scales = scales
        self.zeroPoints = zeroPoints
        let count = columnCount * blockCount
        precondition(codes.count == count * blockByteCount, "weights have too few or many codes")
        precondition(scales.count == count, "weights have too few or many scales")
        precondition(
            zeroPoints.map { $0.count == count } ?? true,
            "weights have too few or many zero points"
        )
    }

    /// Quantises B in blocks of 32.
    ///
    /// Without zero points, a block's scale is its number of the largest magnitude divided by -8 or -128,
    /// so that this number is exact; with them, the block's range, widened to hold 0, is divided into
    /// 15 or 255 steps. Codes are rounded to nearest, ties to even, and saturate. A number that is not
    /// finite gets the lowest code.
    ///
    /// - Parameters:
    ///   - b: B [K, N] or Bᵀ.
    ///   - rowCount: K.
    ///   - columnCount: N.
    ///   - bitCount: 4 or 8.
    ///   - hasZeroPoints: Whether each block gets a zero point.
    @unsafe package init(
        quantizing b: MatrixView,
        rowCount: Int,
        columnCount: Int,
        bitCount: Int,
        hasZeroPoints: Bool
    ) {
        let blockCount = (rowCount + 31) / 32
        let blockByteCount = 4 * bitCount
        var codes = [UInt8](repeating: 0, count: columnCount * blockCount * blockByteCount)
        var scales = [Float](repeating: 0, count: columnCount * blockCount)
        var zeros = [UInt8](repeating: 0, count: columnCount * blockCount)
        let depthStride = b.isTransposed ? 1 : b.rowStride
        let columnStride = b.isTransposed ? b.rowStride : 1
        for n in 0..<columnCount {
            for block in 0..<blockCount {
                let place = n * blockCount + block
                let depths = block * 32..<Swift.min(rowCount, block * 32 + 32)
                let column = unsafe b.elements + n * columnStride
                let grid = unsafe Grid(
                    column,
                    depthStride,
                    depths,
                    bitCount: bitCount,
                    hasZeroPoints: hasZeroPoints
                )
                scales[place] = grid.scale
                zeros[place] = UInt8(grid.zeroPoint)
                for k in depths.lowerBound..<depths.lowerBound + 32 {
                    let code =
                        k < rowCount
                        ? unsafe grid.code(column[k * depthStride]) : UInt8(grid.zeroPoint)
                    let i = k - depths.lowerBound
                    if bitCount == 8 {
                        codes[place * 32 + i] = code
                    } else {
                        codes[place * 16 + i / 2] |= code << UInt8(i % 2 * 4)
                    }
                }
            }
        }
        self.init(
            rowCount: rowCount,
            columnCount: columnCount,
            bitCount: bitCount,
            codes: codes,
            scales: scales,
            zeroPoints: hasZeroPoints ? zeros : nil
        )
    }

    /// The steps that a block's numbers are rounded to.
    private struct Grid {
        let scale: Float
        let inverse: Float
        let zeroPoint: Float
        let greatest: Float

        @unsafe init(
            _ column: UnsafePointer<Float>,
            _ stride: Int,
            _ depths: Range<Int>,
            bitCount: Int,
            hasZeroPoints: Bool
        ) {
            var least: Float = 0
            var most: Float = 0
            for k in depths {
                let x = unsafe column[k * stride]
                guard x.isFinite else { continue }
                least = Swift.min(least, x)
                most = Swift.max(most, x)
            }
            greatest = bitCount == 4 ? 15 : 255
            let middle: Float = bitCount == 4 ? 8 : 128
            if hasZeroPoints {
                scale = most / greatest - least / greatest
                zeroPoint =
                    scale > 0 ? (-least / scale).rounded(.toNearestOrEven) : 0
            } else {
                scale = (most > -least ? most : least) / -middle
                zeroPoint = middle
            }
            let quotient = 1 / scale
            inverse = quotient.isFinite ? quotient : 0
        }

        func code(_ x: Float) -> UInt8 {
            let code = (x * inverse).rounded(.toNearestOrEven) + zeroPoint
            guard code > 0 else { return 0 }
            return UInt8(Swift.min(code, greatest))
        }
    }

    /// The code of one weight.
    package func code(_ k: Int, _ n: Int) -> UInt8 {
        let start = (n * blockCount + k / blockSize) * blockByteCount
        let i = k % blockSize
        guard bitCount == 4 else { return codes[start + i] }
        return codes[start + i / 2] >> UInt8(i % 2 * 4) & 15
    }

    /// The zero point of one block of a column.
    package func zeroPoint(_ block: Int, _ n: Int) -> UInt8 {
        zeroPoints.map { $0[n * blockCount + block] } ?? (bitCount == 4 ? 8 : 128)
    }

    /// Bᵀ [N, K] in floats.
    package func dequantized() -> [Float] {
        var result = [Float]()
        result.reserveCapacity(rowCount * columnCount)
        for n in 0..<columnCount {
            for k in 0..<rowCount {
                let block = k / blockSize
                let difference = Int(code(k, n)) - Int(zeroPoint(block, n))
                result.append(scales[n * blockCount + block] * Float(difference))
            }
        }
        return result
    }
}
