internal import TernMicrokernels

/// Runs a convolution of bytes piece by piece.
internal enum QuadDriver {
    @unsafe internal static func run(
        _ plan: QuadPlan,
        _ image: ByteImage,
        _ panels: QuadPanels,
        _ bias: UnsafePointer<Int32>?,
        _ result: ByteConvolution.Result,
        _ memory: inout ScratchMemory,
        _ context: KernelContext
    ) {
        let offsets = unsafe memory.bytes(plan.offsetByteCount).assumingMemoryBound(to: Int.self)
        let starts = unsafe memory.bytes(plan.numberByteCount).assumingMemoryBound(to: Int32.self)
        let factors = unsafe memory.floats(plan.numberByteCount / 4)
        let parts = unsafe memory.bytes(plan.partCount * plan.partByteCount)
        unsafe plan.geometry.writeOffsets(rows: plan.bandRowCount, into: offsets)
        unsafe writeNumbers(panels, image, bias, result, starts, factors)
        let run = unsafe QuadRun(
            plan: plan,
            stage: QuadStage(plan, image, context.table),
            panels: panels,
            offsets: offsets,
            starts: starts,
            factors: factors,
            zero: image.unsignedZeroPoint,
            result: result,
            table: context.table
        )
        let count = plan.pieceCount
        context.forEach(
            plan.partCount,
            nanosecondsPerPiece: plan.nanoseconds(context) / Double(plan.partCount)
        ) { range in
            for part in range {
                let own = unsafe parts + part * plan.partByteCount
                let end = (part + 1) * count / plan.partCount
                for piece in part * count / plan.partCount..<end {
                    unsafe run.piece(piece, own)
                }
            }
        }
    }

    /// Writes what each filter's sums start at, and its factor; fillers get nothing that counts.
    @unsafe internal static func writeNumbers(
        _ panels: QuadPanels,
        _ image: ByteImage,
        _ bias: UnsafePointer<Int32>?,
        _ result: ByteConvolution.Result,
        _ starts: UnsafeMutablePointer<Int32>,
        _ factors: UnsafeMutablePointer<Float>
    ) {
        let zero = image.unsignedZeroPoint
        for group in 0..<panels.groupCount {
            for filter in 0..<panels.paddedCount {
                let place = group * panels.paddedCount + filter
                let index = group * panels.filterCount + filter
                let isReal = filter < panels.filterCount
                var start: Int32 = 0
                if let bias = unsafe bias, isReal { unsafe start = bias[index] }
                unsafe starts[place] = start &- zero &* panels.sums[place]
                unsafe factors[place] = isReal ? factor(result, index) : 0
            }
        }
    }

    private static func factor(_ result: ByteConvolution.Result, _ channel: Int) -> Float {
        guard case .bytes(_, let scaling) = result else { return 1 }
        return unsafe scaling.factors.map { unsafe $0[channel] } ?? scaling.factor
    }
}

/// What all pieces of a convolution share.
@safe private struct QuadRun {
    let plan: QuadPlan
    let stage: QuadStage
    let panels: QuadPanels
    let offsets: UnsafePointer<Int>
    let starts: UnsafePointer<Int32>
    let factors: UnsafePointer<Float>
    let zero: Int32
    let result: ByteConvolution.Result
    let table: KernelTable

    /// Stages a piece and computes it; `memory` is the part's.
    @unsafe func piece(_ index: Int, _ memory: UnsafeMutableRawPointer) {
        let (rest, part) = index.quotientAndRemainder(dividingBy: plan.filterPartCount)
        let (above, band) = rest.quotientAndRemainder(dividingBy: plan.bandCount)
        let (image, group) = above.quotientAndRemainder(
            dividingBy: plan.convolution.groupCount
        )
        let geometry = plan.geometry
        let first = band * plan.bandRowCount
        let rows = first..<Swift.min(first + plan.bandRowCount, geometry.outputSize.height)
        guard !rows.isEmpty else { return }
        let quads = unsafe memory.assumingMemoryBound(to: Int32.self)
        let line = unsafe memory + plan.stagedByteCount
        let terms = unsafe (line + plan.lineByteCount).assumingMemoryBound(to: Int32.self)
        unsafe stage.run(image: image, group: group, rows: rows, into: quads, line: line)

        let filter = part * plan.partFilterCount
        let place = group * panels.paddedCount + filter
        let plane = geometry.outputSize.height * geometry.outputSize.width
        let channel = group * geometry.filterCount + filter
        let target =
            (image * plan.convolution.outputChannelCount + channel) * plane
            + rows.lowerBound * geometry.outputSize.width
        var tile = unsafe QuadTile(
            source: quads,
            offsets: offsets,
            stepCount: panels.stepCount,
            weights: panels.weights + place * panels.stepCount,
            starts: starts + place,
            factors: factors + place,
            zeros: panels.zeros.map { unsafe $0 + place },
            terms: terms,
            filterCount: Swift.min(plan.partFilterCount, geometry.filterCount - filter),
            positionCount: (rows.count - 1) * geometry.pitch + geometry.outputSize.width,
            pitch: geometry.pitch,
            width: geometry.outputSize.width,
            target: memory,
            targetStride: plane
        )
        switch result {
        case .integers(let y): unsafe tile.target = UnsafeMutableRawPointer(y + target)
        case .bytes(let y, let scaling):
            unsafe tile.target = y + target
            tile.isBytes = true
            tile.lower = Float(scaling.lowest - scaling.zeroPoint)
            tile.upper = Float(scaling.highest - scaling.zeroPoint)
            tile.zeroPoint = scaling.zeroPoint
        }
        if unsafe panels.zeros != nil {
            let depth = Int32(truncatingIfNeeded: plan.convolution.depth)
            unsafe table.quads.terms(tile, panels.ones, zero &* depth)
        }
        table.quads.run(tile)
    }
}
