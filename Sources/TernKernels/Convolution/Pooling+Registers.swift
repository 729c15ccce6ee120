internal import TernMicrokernels

extension Pooling {
    /// Lanes of all taps across together.
    private static let laneLimit = 256

    /// Whether a row of the image fits one register of floats, with a lane to spare if a window hangs
    /// over the edge.
    internal func rowsFitRegister(_ table: KernelTable) -> Bool {
        let lanes = table.laneCount
        let isWhole = wholeColumns == 0..<outputSize.width
        return inputSize.width <= (isWhole ? lanes : lanes - 1) && outputSize.width <= lanes
            && window.kernel.width * lanes <= Self.laneLimit
    }

    /// Folds each window of some planes whose rows fit a register.
    ///
    /// - Parameters:
    ///   - fold: `maximum` or `add`.
    ///   - input: X, dense.
    ///   - output: Y, dense.
    ///   - planes: Which.
    ///   - start: What a window starts with, and what padding counts as.
    ///   - table: The kernels.
    @unsafe internal func foldRegisters(
        _ fold: StridedFold,
        _ input: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ planes: Range<Int>,
        start: Float,
        _ table: KernelTable
    ) {
        let lanes = table.laneCount
        // For each tap across and output, the column; outside the image, the lane to spare.
        var columns = InlineArray<256, Int32>(repeating: Int32(inputSize.width))
        for tap in 0..<window.kernel.width {
            for output in 0..<lanes {
                let column =
                    output * window.stride.width - window.leading.width
                    + tap * window.dilation.width
                let isInside = output < outputSize.width && column >= 0 && column < inputSize.width
                columns[tap * lanes + output] =
                    isInside ? Int32(column) : Int32(Swift.min(inputSize.width, lanes - 1))
            }
        }
        unsafe withUnsafeBytes(of: &columns) { bytes in
            let work = unsafe PoolPlanes(
                x: input + planes.lowerBound * inputCount,
                y: output + planes.lowerBound * outputCount,
                planeCount: planes.count,
                height: inputSize.height,
                width: inputSize.width,
                outputHeight: outputSize.height,
                outputWidth: outputSize.width,
                rowStride: window.stride.height,
                rowDilation: window.dilation.height,
                rowCount: window.kernel.height,
                leading: window.leading.height,
                columns: bytes.baseAddress!.assumingMemoryBound(to: Float.self),
                columnCount: window.kernel.width,
                start: start
            )
            table.rows.poolPlanes(fold, work)
        }
    }
}
