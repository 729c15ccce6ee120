// One parallel loop in progress, as a descriptor that its owner publishes and helpers find.
//
// Three levels of division:
//
//     part    `grain` indices: what the body gets in one call. Depends on count and grain only, so
//             that the results do not depend on who runs it.
//     block   what a thread claims at once: one part, or several if there are more than 2^31.
//     slice   a contiguous run of blocks, one for each thread that may take part. A thread begins
//             with the slice of its own index: the same rows of the same matrix from one operator to
//             the next, so that they stay in its cache.
//
// Each slice has a word on a line of its own: next unclaimed block in the low half, end in the high
// half. The thread at home adds 1 to the low half: it owns the block if the value before was below
// the end. (Beyond the end the low half counts failed attempts, at most one per thread, and is never
// large enough to reach the high half.) A thread that is done at home takes the last block of another
// slice by compare-exchange, so it meets the owner only when the slice is nearly finished. The claims
// order nothing: what a helper needs it sees since it entered the latch, and what it wrote the owner
// sees when it has left.
//
// Nothing is divided ahead of demand: until a helper has entered, the owner claims block after block,
// its own slice and then the others', and who enters takes what it wants when it wants it. A thread
// that has run out of work finds more as long as any block is unclaimed. That is why there is no other
// way to run a loop.
//
// Frames are allocated with the pool and used again and again. Fields other than the latch and the
// hints are read only by the owner and by helpers inside the latch (Latch.swift).

/// The word that the pool's protocols run on in the product.
typealias PoolWord = HardwareWord

/// What a loop is, and how it is divided.
@safe struct LoopShape {
    /// Blocks are counted in 32 bits, with room for failed claims.
    static var blockLimit: Int { 1 << 31 }

    // What every block needs comes first: in the frame it shares a cache line with the latch, so that
    // a helper gets both at once.
    private(set) var body = unsafe RangeClosureWords(code: nil, context: nil)
    private(set) var count = 0
    private(set) var grain = 1
    private var sliceCount32: UInt32 = 1
    /// Whether blocks have more than one part.
    private(set) var hasLongBlocks = false
    /// The low bits of the processor that the owner began on.
    private var ownerProcessor: Int16 = -1
    private(set) var partCount = 0
    private(set) var partsPerBlock = 1
    private(set) var blockCount = 0

    /// Stands for a loop in which it does not matter where helpers are.
    static var anyProcessor: Int32 { -1 }

    /// Whether the owner began on this processor, so that a helper on it stands in the way.
    @inline(__always)
    func isOwner(on processor: Int32) -> Bool {
        processor >= 0 && ownerProcessor == Int16(truncatingIfNeeded: processor)
    }

    /// How many slices there are.
    @inline(__always)
    var sliceCount: Int { Int(sliceCount32) }

    /// Nothing.
    init() {}

    /// Divides a loop of at least one index among `threadCount` threads.
    @inline(__always)
    init(
        body: RangeClosureWords,
        count: Int,
        grain: Int,
        threadCount: Int,
        processor: Int32 = anyProcessor
    ) {
        self.body = body
        self.count = count
        self.grain = grain
        partCount = (count - 1) / grain + 1
        partsPerBlock = (partCount - 1) / Self.blockLimit + 1
        blockCount = (partCount - 1) / partsPerBlock + 1
        hasLongBlocks = partsPerBlock > 1
        ownerProcessor = Int16(truncatingIfNeeded: processor)
        sliceCount32 = UInt32(truncatingIfNeeded: min(threadCount, blockCount))
    }
}

/// A parallel loop that helpers can join.
@safe struct LoopFrame<Word: SharedWord & ~Copyable>: ~Copyable {
    private static var mayWakeBit: UInt64 { 1 << 32 }

    /// Helpers enter and leave through this.
    let latch = Latch<Word>()
    /// The root in the low half, and whether workers may be woken for this loop: looked at before
    /// entering, and by workers that decide whether to wake another.
    private let hints = Word(0)
    private let slices: UnsafeMutablePointer<PaddedWord<Word>>
    /// What the loop is.
    ///
    /// Only the owner may set it, while the latch is idle; only who is inside the
    /// latch may read it.
    var shape = LoopShape()
    private let fill = InlineArray<5, UInt64>(repeating: 0)

    /// Makes an idle frame on top of `slices`, which must outlive it.
    @unsafe init(slices: UnsafeMutablePointer<PaddedWord<Word>>) {
        unsafe self.slices = slices
    }

    /// Cuts the slices for the loop that was put into ``shape``; only the owner may call this, while
    /// the latch is idle.
    ///
    /// - Parameters:
    ///   - root: Which computation the loop belongs to.
    ///   - mayWake: Whether sleeping workers may be woken for it.
    @inline(__always)
    func prepare(root: UInt64, mayWake: Bool) {
        hints.storeRelaxed(root | (mayWake ? Self.mayWakeBit : 0))
        var start = 0
        for slice in 0..<shape.sliceCount {
            let end = shape.blockCount &* (slice &+ 1) / shape.sliceCount
            // SAFETY: there is a word for each thread that may take part, and no more slices.
            unsafe slices[slice].word.storeRelaxed(UInt64(start) | UInt64(end) << 32)
            start = end
        }
    }

    /// Which computation the loop belongs to.
    @inline(__always)
    var root: UInt64 { hints.loadRelaxed() & (Self.mayWakeBit - 1) }

    /// Whether the loop is worth waking sleeping workers for.
    @inline(__always)
    var mayWake: Bool { hints.loadRelaxed() & Self.mayWakeBit != 0 }

    /// From now on sleeping workers may be woken for this loop.
    func allowWaking() { _ = hints.fetchOr(Self.mayWakeBit) }

    /// How many blocks nobody has claimed; may be outdated at once.
    var unclaimedBlockCount: Int {
        var sum = 0
        for slice in 0..<shape.sliceCount {
            let word = unsafe slices[slice].word.loadRelaxed()
            sum += max(0, Int(word >> 32) - Int(word & 0xFFFF_FFFF))
        }
        return sum
    }

    /// Claims one block of the home slice.
    ///
    /// - Parameter home: The slice to claim from; below the number of slices.
    /// - Returns: The block, or nil if the slice has none left.
    @inline(__always)
    func claimHead(of home: Int) -> Int? {
        // SAFETY: the caller's slice is below sliceCount.
        let word = unsafe slices[home].word.fetchAddRelaxed(1)
        let block = word & 0xFFFF_FFFF
        return block < word >> 32 ? Int(block) : nil
    }

    /// Claims one block at the end of somebody else's slice.
    ///
    /// - Parameter slice: The slice to claim from; below the number of slices.
    /// - Returns: The block, or nil if the slice has none left.
    @inline(__always)
    func claimTail(of slice: Int) -> Int? {
        while true {
            // SAFETY: the caller's slice is below sliceCount.
            let word = unsafe slices[slice].word.loadRelaxed()
            let end = word >> 32
            guard word & 0xFFFF_FFFF < end else { return nil }
            let desired = word &- (1 << 32)
            if unsafe slices[slice].word.compareExchangeRelaxed(expected: word, desired: desired) {
                return Int(end) &- 1
            }
        }
    }

    /// Claims and runs one block of the home slice.
    ///
    /// - Parameter home: The slice to claim from; below the number of slices.
    /// - Returns: False if the slice has none left.
    @inline(__always)
    func runFromHead(of home: Int) -> Bool {
        guard let block = claimHead(of: home) else { return false }
        run(block: block)
        return true
    }

    /// Claims and runs one block at the end of somebody else's slice.
    ///
    /// - Parameter slice: The slice to claim from; below the number of slices.
    /// - Returns: False if the slice has none left.
    @inline(__always)
    func runFromTail(of slice: Int) -> Bool {
        guard let block = claimTail(of: slice) else { return false }
        run(block: block)
        return true
    }

    @inline(__always)
    private func run(block: Int) {
        guard shape.hasLongBlocks else {
            run(part: block)
            return
        }
        let first = block * shape.partsPerBlock
        let end = min(first + shape.partsPerBlock, shape.partCount)
        for part in first..<end { run(part: part) }
    }

    @inline(__always)
    private func run(part: Int) {
        // part * grain <= count - 1, so neither this nor the end below can overflow.
        let lower = part &* shape.grain
        let isWhole = shape.count &- lower > shape.grain
        shape.body.call(lower, isWhole ? lower &+ shape.grain : shape.count)
    }
}
