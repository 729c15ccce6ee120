import TernKernels
import TernMicrokernels

/// The upper half of a float, rounded to nearest, ties to even.
func bfloat(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    if x.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
}

func float(bfloat x: UInt16) -> Float { Float(bitPattern: UInt32(x) << 16) }

extension ScalarTwin {
    /// A·B over pairs along K: the upper product of a pair is added first.
    static func bfloatProduct(
        _ a: [UInt16],
        _ b: [UInt16],
        _ m: Int,
        _ n: Int,
        _ k: Int
    ) -> [Float] {
        var result = [Float]()
        for i in 0..<m {
            for j in 0..<n {
                var sum: Float = 0
                for pair in 0..<(k + 1) / 2 {
                    for l in [2 * pair + 1, 2 * pair] {
                        let product =
                            l < k
                            ? float(bfloat: a[i * k + l]) * float(bfloat: b[l * n + j]) : 0
                        sum += product
                    }
                }
                result.append(sum)
            }
        }
        return result
    }

    /// A row's block of up to 32 numbers as bytes with a scale.
    static func quantizedBlock(_ x: [Float]) -> (codes: [Int], scale: Float) {
        guard x.allSatisfy(\.isFinite) else {
            return ([Int](repeating: 0, count: x.count), .nan)
        }
        let largest = x.map(\.magnitude).max() ?? 0
        let inverse = 127 / largest
        guard inverse.isFinite else { return ([Int](repeating: 0, count: x.count), 0) }
        return (x.map { Int(($0 * inverse).rounded(.toNearestOrEven)) }, largest / 127)
    }

    /// A·B with A quantised by blocks of 32 and B's blocks, one chain over the blocks; fused if the
    /// kernels under test fuse.
    static func blockProduct(
        _ a: [Float],
        _ m: Int,
        _ b: BlockQuantizedWeights,
        isFused: Bool
    ) -> [Float] {
        let (k, n) = (b.rowCount, b.columnCount)
        var result = [Float]()
        for i in 0..<m {
            let blocks = stride(from: 0, to: k, by: 32).map { first in
                quantizedBlock(Array(a[i * k + first..<i * k + Swift.min(k, first + 32)]))
            }
            for j in 0..<n {
                var sum: Float = 0
                for (index, block) in blocks.enumerated() {
                    let original = index * 32 / b.blockSize
                    let zero = Int(b.zeroPoint(original, j))
                    var exact = 0
                    for (l, q) in block.codes.enumerated() {
                        exact += q * (Int(b.code(index * 32 + l, j)) - zero)
                    }
                    let scale = block.scale * b.scales[j * b.blockCount + original]
                    sum =
                        isFused
                        ? sum.addingProduct(Float(exact), scale) : sum + Float(exact) * scale
                }
                result.append(sum)
            }
        }
        return result
    }
}
