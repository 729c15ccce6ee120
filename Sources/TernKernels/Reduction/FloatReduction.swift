internal import Glibc
internal import TernMicrokernels
internal import TernTensor

/// Folds of 32-bit floats on the row and column kernels.
internal enum FloatReduction {
    @unsafe internal static func run(
        _ function: ReductionFunction,
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ geometry: FoldGeometry,
        _ context: KernelContext
    ) {
        guard geometry.keptCount > 0 else { return }
        let table = context.table
        if unsafe ShortReduction.run(function, x, y, geometry, context) { return }
        if geometry.foldsInnermost {
            let cost = Double(geometry.foldedCount) * 0.15 + 20
            context.forEach(
                geometry.keptCount,
                grain: KernelContext.grain(nanosecondsPerPiece: cost),
                nanosecondsPerPiece: cost
            ) { range in
                if geometry.foldedShape.isEmpty, geometry.keptShape.rank <= 1,
                    function != .logSumExp
                {
                    unsafe rows(function, x, y, range, geometry, table)
                    return
                }
                for kept in range {
                    unsafe y[kept] = row(function, x, kept, geometry, table)
                }
            }
            return
        }
        // A piece is a block of columns, whose results fit a small part of the stack.
        let blocks = (geometry.innermost + columnCount - 1) / columnCount
        let cost = Double(geometry.foldedShape.elementCount * columnCount) * 0.2 + 20
        context.forEach(
            geometry.keptShape.elementCount * blocks,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for piece in range {
                let (kept, block) = piece.quotientAndRemainder(dividingBy: blocks)
                let column = block * columnCount
                unsafe columns(
                    function,
                    x,
                    y + kept * geometry.innermost + column,
                    kept,
                    column,
                    Swift.min(columnCount, geometry.innermost - column),
                    geometry,
                    table
                )
            }
        }
    }

    private static let columnCount = 256

    /// The kernel's fold, and what it gives of nothing.
    private static func fold(
        _ function: ReductionFunction
    ) -> (row: RowFold, columns: StridedFold, start: Float) {
        switch function {
        case .sum, .mean, .logSum: (.sum, .add, 0)
        case .maximum, .logSumExp: (.maximum, .maximum, -.infinity)
        case .minimum: (.minimum, .minimum, .infinity)
        case .product: (.product, .multiply, 1)
        case .l1: (.sumOfMagnitudes, .addMagnitude, 0)
        case .l2, .sumOfSquares: (.sumOfSquares, .addSquare, 0)
        }
    }

    private static func combine(_ fold: RowFold, _ a: Float, _ b: Float) -> Float {
        switch fold {
        case .product: a * b
        case .maximum: b.isNaN || b > a ? b : a
        case .minimum: b.isNaN || b < a ? b : a
        default: a + b
        }
    }

    private static func finish(_ function: ReductionFunction, _ v: Float, _ count: Int) -> Float {
        switch function {
        case .mean: v / Float(count)
        case .l2: v.squareRoot()
        case .logSum: logf(v)
        default: v
        }
    }

    /// Results of one run each, which lie one after the other.
    @unsafe private static func rows(
        _ function: ReductionFunction,
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ range: Range<Int>,
        _ geometry: FoldGeometry,
        _ table: KernelTable
    ) {
        let (fold, _, start) = fold(function)
        let count = geometry.innermost
        for kept in range {
            let sum = unsafe combine(fold, start, table.foldRow(fold, x + kept * count, count, 0))
            unsafe y[kept] = finish(function, sum, count)
        }
    }

    /// One result from runs that are contiguous in memory.
    @unsafe private static func row(
        _ function: ReductionFunction,
        _ x: UnsafePointer<Float>,
        _ kept: Int,
        _ geometry: FoldGeometry,
        _ table: KernelTable
    ) -> Float {
        let (fold, _, start) = fold(function)
        let runs = geometry.foldedShape.elementCount
        let count = geometry.innermost
        var result = start
        for run in 0..<runs {
            let offset = geometry.offset(kept: kept, folded: run)
            result = unsafe combine(fold, result, table.foldRow(fold, x + offset, count, 0))
        }
        guard function == .logSumExp else { return finish(function, result, geometry.foldedCount) }
        // ±∞ or NaN: the shifted sum would only make NaN of it.
        guard result.isFinite else { return result }
        var sum: Float = 0
        for run in 0..<runs {
            let offset = geometry.offset(kept: kept, folded: run)
            sum += unsafe table.foldRow(.sumOfExponentials, x + offset, count, result)
        }
        return result + logf(sum)
    }

    /// A block of results side by side.
    @unsafe private static func columns(
        _ function: ReductionFunction,
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ kept: Int,
        _ column: Int,
        _ count: Int,
        _ geometry: FoldGeometry,
        _ table: KernelTable
    ) {
        let (_, fold, start) = fold(function)
        let runs = geometry.foldedShape.elementCount
        for i in 0..<count { unsafe y[i] = start }
        for run in 0..<runs {
            let offset = geometry.offset(kept: kept, folded: run) + column
            unsafe table.foldColumns(fold, x + offset, 1, 1, y, count)
        }
        guard function == .logSumExp else {
            for i in 0..<count { unsafe y[i] = finish(function, y[i], geometry.foldedCount) }
            return
        }
        var block = InlineArray<512, Float>(repeating: 0)
        unsafe withUnsafeMutableBytes(of: &block) { bytes in
            let sums = unsafe bytes.baseAddress!.assumingMemoryBound(to: Float.self)
            let terms = unsafe sums + columnCount
            for run in 0..<runs {
                let offset = geometry.offset(kept: kept, folded: run) + column
                _ = unsafe table.binary(.subtract, .arrays, x + offset, y, terms, count)
                _ = unsafe table.unary(UnaryOperation(.exponential), terms, terms, count)
                unsafe table.foldColumns(.add, terms, 1, 1, sums, count)
            }
            for i in 0..<count where unsafe y[i].isFinite {
                unsafe y[i] += logf(sums[i])
            }
        }
    }
}
