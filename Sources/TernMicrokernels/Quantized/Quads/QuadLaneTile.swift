/// A convolution of bytes with one filter for each channel, as a microkernel sees it: each lane of a
/// register is a channel.
///
/// Staged rows hold, for each output column and each quad of the filter's row, a register of quads: the
/// four bytes of each channel that the window sees there. For the output in row r and column c, and each
/// channel of the register,
///
///     S = Σₛ dot(quad at source + r·rowStep + offsets[s] + c·lanes, weights[s·lanes])
///     T = Σₛ dot(the same quad, ones[s]) - total
///     acc = starts + S - zeros·T
///
/// with bytes 0...255, weights -128...127 and integers modulo 2³². What is stored are the sums, or bytes
/// as in ``QuadTile``; a register's worth of them for each output, in the outputs' order.
@usableFromInline @safe package struct QuadLaneTile {
    @usableFromInline package var source: UnsafePointer<Int32>
    @usableFromInline package var rowStep: Int
    @usableFromInline package var offsets: UnsafePointer<Int>
    @usableFromInline package var stepCount: Int
    @usableFromInline package var weights: UnsafePointer<Int32>
    @usableFromInline package var ones: UnsafePointer<Int32>
    @usableFromInline package var total: Int32
    @usableFromInline package var starts: UnsafePointer<Int32>
    @usableFromInline package var factors: UnsafePointer<Float>
    /// `nil` if all are 0.
    @usableFromInline package var zeros: UnsafePointer<Int32>?
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    @usableFromInline package var target: UnsafeMutableRawPointer
    /// Whether bytes are stored, not sums.
    @usableFromInline package var isBytes: Bool
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float
    @usableFromInline package var zeroPoint: Int32

    /// Describes outputs whose sums are stored as they are.
    @unsafe package init(
        source: UnsafePointer<Int32>,
        rowStep: Int,
        offsets: UnsafePointer<Int>,
        stepCount: Int,
        weights: UnsafePointer<Int32>,
        ones: UnsafePointer<Int32>,
        total: Int32,
        starts: UnsafePointer<Int32>,
        factors: UnsafePointer<Float>,
        zeros: UnsafePointer<Int32>?,
        rowCount: Int,
        columnCount: Int,
        target: UnsafeMutableRawPointer
    ) {
        unsafe self.source = source
        self.rowStep = rowStep
        unsafe self.offsets = offsets
        self.stepCount = stepCount
        unsafe self.weights = weights
        unsafe self.ones = ones
        self.total = total
        unsafe self.starts = starts
        unsafe self.factors = factors
        unsafe self.zeros = zeros
        self.rowCount = rowCount
        self.columnCount = columnCount
        unsafe self.target = target
        isBytes = false
        lower = 0
        upper = 0
        zeroPoint = 0
    }
}
