internal import TernMicrokernels

/// Runs a convolution of bytes with one filter for each channel piece by piece.
internal enum QuadLaneDriver {
    @unsafe internal static func run(
        _ plan: QuadLanePlan,
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
        let window = plan.convolution.window
        let width = plan.convolution.outputSize.width
        for row in 0..<window.kernel.height {
            for quad in 0..<plan.quadCount {
                let line = row * window.dilation.height * plan.quadCount + quad
                unsafe offsets[row * plan.quadCount + quad] = line * width * plan.lanes
            }
        }
        unsafe QuadDriver.writeNumbers(panels, image, bias, result, starts, factors)
        let run = unsafe QuadLaneRun(
            plan: plan,
            image: image,
            panels: panels,
            offsets: offsets,
            starts: starts,
            factors: factors,
            result: result,
            table: context.table
        )
        let count = plan.pieceCount
        context.forEach(
            plan.partCount,
            nanosecondsPerPiece: plan.nanoseconds / Double(plan.partCount)
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
}

/// What all pieces of a convolution share.
@safe private struct QuadLaneRun {
    let plan: QuadLanePlan
    let image: ByteImage
    let panels: QuadPanels
    let offsets: UnsafePointer<Int>
    let starts: UnsafePointer<Int32>
    let factors: UnsafePointer<Float>
    let result: ByteConvolution.Result
    let table: KernelTable

    /// Stages a piece, computes it and moves it to its planes; `memory` is the part's.
    @unsafe func piece(_ index: Int, _ memory: UnsafeMutableRawPointer) {
        let (rest, band) = index.quotientAndRemainder(dividingBy: plan.bandCount)
        let (image, block) = rest.quotientAndRemainder(dividingBy: plan.blockCount)
        let convolution = plan.convolution
        let size = convolution.outputSize
        let window = convolution.window
        let first = band * plan.bandRowCount
        let rows = first..<Swift.min(first + plan.bandRowCount, size.height)
        guard !rows.isEmpty else { return }
        let channel = block * plan.lanes
        let channels = Swift.min(plan.lanes, convolution.inputChannelCount - channel)
        let plane = convolution.inputChannelCount * image + channel
        let pixels = unsafe memory.assumingMemoryBound(to: Int32.self)
        let staged = unsafe (memory + plan.pixelByteCount).assumingMemoryBound(to: Int32.self)
        let result = unsafe memory + plan.pixelByteCount + plan.stagedByteCount
        unsafe stage(plane, channels, rows, pixels + plan.lanes, staged)

        let depth = Int32(truncatingIfNeeded: convolution.depth)
        var tile = unsafe QuadLaneTile(
            source: staged,
            rowStep: window.stride.height * plan.quadCount * size.width * plan.lanes,
            offsets: offsets,
            stepCount: plan.stepCount,
            weights: panels.weights + channel * plan.stepCount,
            ones: panels.ones,
            total: self.image.unsignedZeroPoint &* depth,
            starts: starts + channel,
            factors: factors + channel,
            zeros: panels.zeros.map { unsafe $0 + channel },
            rowCount: rows.count,
            columnCount: size.width,
            target: result
        )
        let outputPlane = size.height * size.width
        let target = plane * outputPlane + rows.lowerBound * size.width
        let outputs = rows.count * size.width
        switch self.result {
        case .integers(let y):
            table.quads.runLanes(tile)
            unsafe table.rows.transpose(
                UnsafePointer(result.assumingMemoryBound(to: Float.self)),
                plan.lanes,
                outputs,
                channels,
                UnsafeMutableRawPointer(y + target).assumingMemoryBound(to: Float.self),
                outputPlane
            )
        case .bytes(let y, let scaling):
            tile.isBytes = true
            tile.lower = Float(scaling.lowest - scaling.zeroPoint)
            tile.upper = Float(scaling.highest - scaling.zeroPoint)
            tile.zeroPoint = scaling.zeroPoint
            table.quads.runLanes(tile)
            unsafe table.quads.scatterLanes(
                UnsafePointer(result.assumingMemoryBound(to: UInt8.self)),
                outputs,
                (y + target).assumingMemoryBound(to: UInt8.self),
                outputPlane,
                channels
            )
        }
    }

    /// Stages what a band of output rows sees of some planes.
    @unsafe private func stage(
        _ plane: Int,
        _ channels: Int,
        _ rows: Range<Int>,
        _ pixels: UnsafeMutablePointer<Int32>,
        _ target: UnsafeMutablePointer<Int32>
    ) {
        let convolution = plan.convolution
        let size = convolution.inputSize
        let window = convolution.window
        let inputPlane = size.height * size.width
        let top = rows.lowerBound * window.stride.height - window.leading.height
        let count =
            (rows.count - 1) * window.stride.height
            + (window.kernel.height - 1) * window.dilation.height + 1
        let inside =
            Swift.min(
                Swift.max(top, 0),
                size.height
            )..<Swift.min(
                Swift.max(top + count, 0),
                size.height
            )
        let first = plane * inputPlane + inside.lowerBound * size.width
        let byteCount =
            convolution.batchCount * convolution.inputChannelCount * inputPlane
        if !inside.isEmpty {
            unsafe table.quads.gatherLanes(
                image.elements.assumingMemoryBound(to: UInt8.self) + first,
                inputPlane,
                channels,
                inside.count * size.width,
                byteCount - first - (channels - 1) * inputPlane,
                image.isSigned ? 0x80 : 0,
                pixels
            )
        }
        let width = convolution.outputSize.width
        let zero = UInt8(truncatingIfNeeded: image.unsignedZeroPoint)
        let zeros = Int32(bitPattern: UInt32(zero) &* 0x0101_0101)
        var next = unsafe target
        for row in top..<top + count {
            for quad in 0..<plan.quadCount {
                if inside.contains(row) {
                    unsafe table.quads.windowLanes(
                        UnsafePointer(pixels),
                        (row - inside.lowerBound) * size.width,
                        size.width,
                        4 * quad - window.leading.width,
                        window.stride.width,
                        width,
                        zeros,
                        next
                    )
                } else {
                    unsafe next.update(repeating: zeros, count: width * plan.lanes)
                }
                unsafe next += width * plan.lanes
            }
        }
    }
}
