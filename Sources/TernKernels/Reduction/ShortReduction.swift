internal import TernMicrokernels
internal import TernTensor

/// Folds of a few neighbours each, where calling a row kernel would take longer than the fold.
internal enum ShortReduction {
    /// Numbers up to which a row is short.
    private static let longestRow = 4

    /// Folds rows of two to four numbers that lie one after the other, from the first number to the
    /// last; `false`, with nothing written, for anything else.
    @unsafe internal static func run(
        _ function: ReductionFunction,
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ geometry: FoldGeometry,
        _ context: KernelContext
    ) -> Bool {
        let count = geometry.innermost
        guard geometry.foldsInnermost, geometry.foldedShape.isEmpty, geometry.keptShape.rank == 1,
            count >= 2, count <= longestRow
        else { return false }
        let rows = geometry.keptCount
        func fold(_ combine: (Float, Float) -> Float) {
            let cost = 0.5 * Double(count)
            context.forEach(
                rows,
                grain: KernelContext.grain(nanosecondsPerPiece: cost),
                nanosecondsPerPiece: cost
            ) { range in
                unsafe Self.fold(x, y, range, count, combine)
            }
        }
        switch function {
        case .sum: fold { $0 + $1 }
        case .mean:
            fold { $0 + $1 }
            for i in 0..<rows { unsafe y[i] /= Float(count) }
        case .maximum: fold { $1.isNaN || $1 > $0 ? $1 : $0 }
        case .minimum: fold { $1.isNaN || $1 < $0 ? $1 : $0 }
        case .product: fold { $0 * $1 }
        case .l1, .l2, .sumOfSquares, .logSum, .logSumExp: return false
        }
        return true
    }

    /// A loop of its own for each length.
    @inline(__always)
    private static func fold(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ rows: Range<Int>,
        _ count: Int,
        _ combine: (Float, Float) -> Float
    ) {
        switch count {
        case 2:
            for i in rows { unsafe y[i] = combine(x[2 &* i], x[2 &* i &+ 1]) }
        case 3:
            for i in rows {
                let row = unsafe x + 3 &* i
                unsafe y[i] = combine(combine(row[0], row[1]), row[2])
            }
        default:
            for i in rows {
                let row = unsafe x + 4 &* i
                unsafe y[i] = combine(combine(combine(row[0], row[1]), row[2]), row[3])
            }
        }
    }
}
