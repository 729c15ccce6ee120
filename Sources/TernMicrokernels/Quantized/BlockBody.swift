/// How a ``BlockBody`` finds the codes and zero points of a panel; constants after specialisation.
@usableFromInline
internal protocol BlockLayout {
    /// The instruction set.
    associatedtype Set: BFloatInstructionSet
    /// Whether a byte holds two codes.
    static var isNibbles: Bool { get }
    /// Whether each block of a column has a zero point.
    static var hasZeroPoints: Bool { get }
}

extension BlockLayout {
    /// The numbers of 32 bits that the codes of a block take.
    @inlinable
    @inline(__always)
    internal static var codeCount: Int { (isNibbles ? 8 : 16) &* Set.laneCount }

    /// The bytes of a block with its scales and zero points.
    @inlinable
    @inline(__always)
    internal static var blockByteCount: Int {
        (codeCount &+ 2 &* Set.laneCount &+ (hasZeroPoints ? Set.laneCount : 0)) &* 4
    }
}

/// Four bits, one zero point for all.
@usableFromInline
internal enum PlainNibbles<I: BFloatInstructionSet>: BlockLayout {
    @usableFromInline internal typealias Set = I
    @inlinable @inline(__always) internal static var isNibbles: Bool { true }
    @inlinable @inline(__always) internal static var hasZeroPoints: Bool { false }
}

/// Four bits, a zero point in each block.
@usableFromInline
internal enum ShiftedNibbles<I: BFloatInstructionSet>: BlockLayout {
    @usableFromInline internal typealias Set = I
    @inlinable @inline(__always) internal static var isNibbles: Bool { true }
    @inlinable @inline(__always) internal static var hasZeroPoints: Bool { true }
}

/// Eight bits, one zero point for all.
@usableFromInline
internal enum PlainBytes<I: BFloatInstructionSet>: BlockLayout {
    @usableFromInline internal typealias Set = I
    @inlinable @inline(__always) internal static var isNibbles: Bool { false }
    @inlinable @inline(__always) internal static var hasZeroPoints: Bool { false }
}

/// Eight bits, a zero point in each block.
@usableFromInline
internal enum ShiftedBytes<I: BFloatInstructionSet>: BlockLayout {
    @usableFromInline internal typealias Set = I
    @inlinable @inline(__always) internal static var isNibbles: Bool { false }
    @inlinable @inline(__always) internal static var hasZeroPoints: Bool { true }
}

/// The innermost loop of a ``BlockTile``: `rows` rows, one panel.
///
/// A block's codes are unpacked once, into sixteen registers, for all rows; the sums of floats stay in
/// registers over all blocks. Scalar twin: `ScalarTwin.blockProduct` in the tests.
@usableFromInline
internal enum BlockBody<Layout: BlockLayout, let rows: Int> {
    @usableFromInline internal typealias I = Layout.Set

    @inlinable
    @inline(never)
    internal static func run(
        _ x: BlockTile,
        _ row: Int,
        _ b: UnsafeRawPointer,
        _ target: UnsafeMutablePointer<Float>
    ) {
        var sums = BlockSums<Layout, rows>()
        var b = unsafe b
        var a = unsafe UnsafeRawPointer(x.a + row &* x.blockCount &* 32)
        var block = row &* x.blockCount
        let end = block &+ x.blockCount
        while block < end {
            let codes = unsafe b.assumingMemoryBound(to: Int32.self)
            let weights =
                unsafe Layout.isNibbles
                ? BlockWeights<I>(nibbles: codes) : BlockWeights<I>(bytes: codes)
            unsafe sums.open(b)
            unsafe sums.step(0, x, weights, a, block)
            if rows > 1 { unsafe sums.step(1, x, weights, a, block) }
            if rows > 2 { unsafe sums.step(2, x, weights, a, block) }
            if rows > 3 { unsafe sums.step(3, x, weights, a, block) }
            unsafe a += 32
            block &+= 1
            unsafe b += Layout.blockByteCount
        }
        unsafe sums.store(0, target)
        if rows > 1 { unsafe sums.store(1, target) }
        if rows > 2 { unsafe sums.store(2, target) }
        if rows > 3 { unsafe sums.store(3, target) }
    }
}

/// The accumulators of a ``BlockBody``, and what all rows need of a block.
@usableFromInline
internal struct BlockSums<Layout: BlockLayout, let rows: Int> {
    @usableFromInline internal typealias I = Layout.Set
    @usableFromInline internal var left: InlineArray<rows, I.Floats>
    @usableFromInline internal var right: InlineArray<rows, I.Floats>
    @usableFromInline internal var leftScale: I.Floats
    @usableFromInline internal var rightScale: I.Floats
    @usableFromInline internal var leftZero: I.Integers
    @usableFromInline internal var rightZero: I.Integers

    @inlinable
    @inline(__always)
    internal init() {
        let zero = I.broadcast(Float(0))
        left = InlineArray(repeating: zero)
        right = InlineArray(repeating: zero)
        leftScale = zero
        rightScale = zero
        leftZero = I.bits(zero)
        rightZero = I.bits(zero)
    }

    /// Reads the scales and zero points of a block.
    @inlinable
    @inline(__always)
    internal mutating func open(_ b: UnsafeRawPointer) {
        let scales = unsafe b.assumingMemoryBound(to: Float.self) + Layout.codeCount
        unsafe leftScale = I.load(scales)
        unsafe rightScale = I.load(scales + I.laneCount)
        if Layout.hasZeroPoints {
            let zeros = unsafe UnsafeRawPointer(scales + 2 &* I.laneCount)
                .assumingMemoryBound(to: UInt16.self)
            unsafe leftZero = I.integers(I.load(zeros))
            unsafe rightZero = I.integers(I.load(zeros + I.laneCount))
        }
    }

    @inlinable
    @inline(__always)
    internal mutating func step(
        _ r: Int,
        _ x: BlockTile,
        _ weights: BlockWeights<I>,
        _ a: UnsafeRawPointer,
        _ block: Int
    ) {
        let place = block &+ r &* x.blockCount
        let codes = unsafe (a + 32 &* r &* x.blockCount).assumingMemoryBound(to: Int32.self)
        let offset = unsafe I.broadcast(x.aSums[place])
        var l = offset
        var m = offset
        if Layout.hasZeroPoints {
            // A sum of 32 bytes fits 16 bits, so that one product of 16-bit numbers is exact.
            let low = I.and(offset, I.broadcast(Int32(0xffff)))
            let zero = I.broadcast(Int32(0))
            l = I.dotHalfwords(zero, leftZero, low)
            m = I.dotHalfwords(zero, rightZero, low)
        }
        unsafe weights.dot(codes, &l, &m)
        let scale = unsafe I.broadcast(x.aScales[place])
        unsafe left[unchecked: r] = I.multiplyAdd(
            left[unchecked: r],
            I.convert(l),
            I.multiply(scale, leftScale)
        )
        unsafe right[unchecked: r] = I.multiplyAdd(
            right[unchecked: r],
            I.convert(m),
            I.multiply(scale, rightScale)
        )
    }

    @inlinable
    @inline(__always)
    internal func store(_ r: Int, _ target: UnsafeMutablePointer<Float>) {
        let row = unsafe target + 2 &* r &* I.laneCount
        unsafe I.store(left[unchecked: r], row)
        unsafe I.store(right[unchecked: r], row + I.laneCount)
    }
}
