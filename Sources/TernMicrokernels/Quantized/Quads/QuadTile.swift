/// A convolution of bytes as a microkernel sees it: quads of bytes at positions of a staged image.
///
/// A quad is four bytes that meet four bytes of a filter; a register holds the quads of as many
/// positions that follow each other. Staged images hold the quads of each step of the sum in runs, one
/// quad for each position, so that
///
///     S[m, p] = Σₛ dot(quad at source + offsets[s] + 4·p, weights[m, s])
///
/// with image bytes 0...255 and weights -128...127. Then, in integers modulo 2³²,
///
///     acc[m, p] = starts[m] + S[m, p] - zeros[m]·terms[p]
///
/// What is stored is `acc`, or, in floats, the byte
///
///     roundToEven(min(upper, max(lower, float(acc)·factors[m]))) + zeroPoint
///
/// Positions lie in rows of ``pitch``, of which the first ``width`` of each row are outputs; outputs are
/// stored without the others. Weights come in blocks of ``QuadKernel``'s heights: a block is, step after
/// step, one quad of each of its filters.
@usableFromInline @safe package struct QuadTile {
    /// The quads of position 0; a register may be read at every position of the run.
    @usableFromInline package var source: UnsafeRawPointer
    /// Bytes from position 0 to the quads of each step.
    @usableFromInline package var offsets: UnsafePointer<Int>
    @usableFromInline package var stepCount: Int
    @usableFromInline package var weights: UnsafePointer<Int32>
    /// Which filters there are, and those that fill up the last block: of each what its sums start at.
    @usableFromInline package var starts: UnsafePointer<Int32>
    /// The factor of each filter, filled up likewise.
    @usableFromInline package var factors: UnsafePointer<Float>
    /// The zero point of each filter, filled up likewise; `nil` if all are 0.
    @usableFromInline package var zeros: UnsafePointer<Int32>?
    /// Σ (a - zero) of the window at each position, whole registers of them; read if there are ``zeros``.
    @usableFromInline package var terms: UnsafeMutablePointer<Int32>
    @usableFromInline package var filterCount: Int
    @usableFromInline package var positionCount: Int
    @usableFromInline package var pitch: Int
    @usableFromInline package var width: Int
    /// The first output of the first filter.
    @usableFromInline package var target: UnsafeMutableRawPointer
    /// Elements between the outputs of two filters.
    @usableFromInline package var targetStride: Int
    /// Whether bytes are stored, not sums.
    @usableFromInline package var isBytes: Bool
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float
    @usableFromInline package var zeroPoint: Int32

    /// Describes a run of positions whose sums are stored as they are.
    @unsafe package init(
        source: UnsafeRawPointer,
        offsets: UnsafePointer<Int>,
        stepCount: Int,
        weights: UnsafePointer<Int32>,
        starts: UnsafePointer<Int32>,
        factors: UnsafePointer<Float>,
        zeros: UnsafePointer<Int32>?,
        terms: UnsafeMutablePointer<Int32>,
        filterCount: Int,
        positionCount: Int,
        pitch: Int,
        width: Int,
        target: UnsafeMutableRawPointer,
        targetStride: Int
    ) {
        unsafe self.source = source
        unsafe self.offsets = offsets
        self.stepCount = stepCount
        unsafe self.weights = weights
        unsafe self.starts = starts
        unsafe self.factors = factors
        unsafe self.zeros = zeros
        unsafe self.terms = terms
        self.filterCount = filterCount
        self.positionCount = positionCount
        self.pitch = pitch
        self.width = width
        unsafe self.target = target
        self.targetStride = targetStride
        isBytes = false
        lower = 0
        upper = 0
        zeroPoint = 0
    }

    /// Where `count` positions from `position` on go, if all of them are outputs that follow each other.
    @inlinable
    @inline(__always)
    internal func outputIndex(_ position: Int, _ count: Int) -> Int? {
        if pitch == width { return position }
        let row = position / pitch
        let column = position &- row &* pitch
        return column &+ count <= width ? row &* width &+ column : nil
    }
}
