internal import TernMicrokernels

/// Convolution as a matrix product: per image and group, Y [M/g, pixels] = W [M/g, K] · patches [K, pixels].
///
/// The patches are packed a panel of pixels at a time, straight from the image, and a part of K at a
/// time; the sums wait in Y, as in ``GEMMDriver``.
internal enum ConvolutionDriver {
    /// The part of K that one packed panel covers.
    private static let depthPart = 1024

    /// The scratch memory of one part.
    internal static func partByteCount(_ convolution: Convolution, _ context: KernelContext) -> Int
    {
        GEMM.alignedByteCount(
            floats: Swift.min(convolution.depth, depthPart) * context.table.panelWidth
        )
    }

    @unsafe internal static func run(
        _ convolution: Convolution,
        _ input: UnsafePointer<Float>,
        _ filter: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>?,
        _ output: UnsafeMutablePointer<Float>,
        _ activation: UnaryOperation,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ context: KernelContext
    ) {
        let panelCount = convolution.panelCount(context)
        let partCount = convolution.partCount(context)
        let partByteCount = partByteCount(convolution, context)
        var memory = unsafe ScratchMemory(scratch, needed: partByteCount * partCount)
        let panels = unsafe memory.bytes(partByteCount * partCount)
        let multiplyAdds =
            Double(panelCount * context.table.panelWidth) * Double(convolution.depth)
            * Double(convolution.outputChannelCount / convolution.groupCount)
        context.forEach(
            partCount,
            nanosecondsPerPiece: context.nanoseconds(multiplyAdds: multiplyAdds)
                / Double(partCount)
        ) { parts in
            for part in parts {
                let memory = unsafe (panels + part * partByteCount)
                    .assumingMemoryBound(to: Float.self)
                for panel in part * panelCount / partCount..<(part + 1) * panelCount / partCount {
                    unsafe run(
                        convolution,
                        panel: panel,
                        input,
                        filter,
                        bias,
                        output,
                        activation,
                        memory,
                        context.table
                    )
                }
            }
        }
    }

    /// All output channels of one group for one panel of pixels.
    @unsafe private static func run(
        _ convolution: Convolution,
        panel index: Int,
        _ input: UnsafePointer<Float>,
        _ filter: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>?,
        _ output: UnsafeMutablePointer<Float>,
        _ activation: UnaryOperation,
        _ memory: UnsafeMutablePointer<Float>,
        _ table: KernelTable
    ) {
        let window = convolution.window
        let pixels = convolution.outputSize.height * convolution.outputSize.width
        let panels = Panels.count(columnCount: pixels, table: table)
        let (block, panel) = index.quotientAndRemainder(dividingBy: panels)
        let group = block % convolution.groupCount
        let channels = convolution.inputChannelCount / convolution.groupCount
        let filters = convolution.outputChannelCount / convolution.groupCount
        let depth = convolution.depth
        let pixel = panel * table.panelWidth
        let count = Swift.min(table.panelWidth, pixels - pixel)
        let size = convolution.inputSize
        let patches = unsafe ImagePatches(
            image: input + block * channels * size.height * size.width,
            height: size.height,
            width: size.width,
            outputWidth: convolution.outputSize.width,
            kernelHeight: window.kernel.height,
            kernelWidth: window.kernel.width,
            strideHeight: window.stride.height,
            strideWidth: window.stride.width,
            dilationHeight: window.dilation.height,
            dilationWidth: window.dilation.width,
            paddingTop: window.leading.height,
            paddingLeft: window.leading.width
        )
        let weights = unsafe filter + group * filters * depth
        var tile = unsafe GEMMTile(
            a: weights,
            aRowStride: depth,
            b: UnsafePointer(memory),
            bRowStride: table.panelWidth,
            bPanelStride: 0,
            c: output + block * filters * pixels + pixel,
            cRowStride: pixels,
            rowCount: filters,
            columnCount: count,
            depth: depth
        )
        if let bias = unsafe bias { unsafe tile.rowBias = bias + group * filters }
        let rest = GEMMDriver.absorbing(activation, into: &tile)
        var k = 0
        repeat {
            tile.depth = Swift.min(depthPart, depth - k)
            unsafe table.packPatches(patches, k, tile.depth, pixel, count, memory)
            unsafe tile.a = weights + k
            tile.continues = k > 0
            k += tile.depth
            tile.finishes = k == depth
            table.gemm(tile)
        } while k < depth
        guard !rest.isIdentity else { return }
        for row in 0..<filters {
            let target = unsafe tile.c + row * pixels
            unsafe UnaryDriver.run(
                rest,
                UnsafePointer(target),
                into: target,
                count: count,
                table: table
            )
        }
    }
}
