import TernKernels

/// The product of inputs or states with a recurrent operator's weights.
enum RecurrentProduct: Sendable {
    /// Weights of 32-bit floats.
    case floats(WeightProduct)
    /// Weights of bytes; what they are multiplied by is quantised in each call.
    case bytes(ByteWeightProduct)

    /// How much scratch memory a product of so many rows needs.
    func scratchByteCount(_ rowCount: Int) -> Int {
        switch self {
        case .floats(let product): product.scratchByteCount(rowCount)
        case .bytes(let product): product.scratchByteCount(rowCount)
        }
    }

    /// Multiplies rows that lie one after the other; of the epilogue, bytes know a bias per column,
    /// and a beta of 0 or 1.
    @unsafe func multiply(
        _ direction: Int,
        _ a: UnsafePointer<Float>,
        rowStride aRowStride: Int,
        rowCount: Int,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue,
        scratch: UnsafeMutableRawBufferPointer,
        _ frame: borrowing KernelFrame
    ) {
        switch self {
        case .floats(let product):
            unsafe product.multiply(
                direction,
                a,
                rowStride: aRowStride,
                rowCount: rowCount,
                into: c,
                rowStride: cRowStride,
                epilogue: epilogue,
                scratch: scratch,
                frame
            )
        case .bytes(let product):
            unsafe product.multiply(
                direction,
                a,
                rowCount: rowCount,
                into: c,
                rowStride: cRowStride,
                epilogue: epilogue,
                scratch: scratch,
                frame
            )
        }
    }
}
