internal import TernTensor

/// A frame's bytes in pooled memory, owned by one holder at a time.
///
/// The frame starts at a fixed place in a cache-line aligned block: 4 bytes past a line, because a
/// request id of 4 bytes precedes it on the wire, so a payload at frame offset 60 (mod 64) is
/// aligned. The bytes before it are headroom, where a transport writes its own header and the
/// backtrace, so that a reply leaves as one contiguous piece and nothing is copied.
///
/// There is more headroom than a transport needs, so that the frame of a request whose payload is its
/// own answer can become the reply where it stands: see ``moveFrame(to:byteCount:)``.
///
/// The memory goes back to its pool when the buffer is destroyed. Making one from a warm pool
/// allocates nothing.
@safe package struct MessageBuffer: ~Copyable, @unchecked Sendable {
    /// What a transport may write before a frame: a stream header (9 bytes), a backtrace of 15 hops
    /// and a request id, rounded up to 4 past a cache line.
    package static let prefixByteCount = 132

    /// Where a new frame starts, in bytes from the start of the block.
    package static let headroomByteCount = prefixByteCount + 256

    private let block: UnsafeMutableRawPointer
    private let sizeClass: Int
    private let pool: BufferPool

    /// Where the frame starts, in bytes from the start of the block.
    private var frameOffset = Self.headroomByteCount

    /// How many bytes the frame has.
    package private(set) var byteCount: Int

    /// How many bytes the frame could have.
    package private(set) var capacity: Int

    fileprivate init(
        block: UnsafeMutableRawPointer,
        sizeClass: Int,
        capacity: Int,
        byteCount: Int,
        pool: BufferPool
    ) {
        unsafe self.block = block
        self.sizeClass = sizeClass
        self.capacity = capacity
        self.byteCount = byteCount
        self.pool = pool
    }

    deinit { unsafe pool.giveBack(block, sizeClass: sizeClass) }

    /// Sets the number of bytes of the frame.
    ///
    /// - Precondition: At most ``capacity``.
    package mutating func resize(toByteCount newByteCount: Int) {
        precondition(newByteCount >= 0 && newByteCount <= capacity, "the frame doesn't fit")
        byteCount = newByteCount
    }

    /// Where `bytes` stand in the frame; `nil` if they are not, or not all, a part of it.
    package func offset(of bytes: RawSpan) -> Int? {
        // SAFETY: only compares addresses.
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return nil }
            let offset = unsafe start - UnsafeRawPointer(frameAddress)
            guard offset >= 0, offset <= byteCount, bytes.count <= byteCount - offset else {
                return nil
            }
            return offset
        }
    }

    /// Lets another frame start `offset` bytes after the start of this one, or before it if `offset` is
    /// negative, in the same memory; its bytes are those that stand there.
    ///
    /// - Returns: `false`, having done nothing, if it doesn't fit, the headroom for a transport's
    ///   prefix included.
    package mutating func moveFrame(to offset: Int, byteCount newByteCount: Int) -> Bool {
        let start = frameOffset + offset
        guard start >= Self.prefixByteCount, newByteCount >= 0, newByteCount <= capacity - offset
        else { return false }
        frameOffset = start
        capacity -= offset
        byteCount = newByteCount
        return true
    }

    /// The frame, for reading.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the block is ours until `deinit`, and `byteCount` never exceeds it.
            let span = unsafe RawSpan(
                _unsafeStart: block + frameOffset,
                byteCount: byteCount
            )
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The frame, for writing.
    package var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            // SAFETY: as for `bytes`; the exclusive access to `self` makes this the only view.
            let span = unsafe MutableRawSpan(
                _unsafeStart: block + frameOffset,
                byteCount: byteCount
            )
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// The frame's first byte; ``prefixByteCount`` bytes before it may be written too.
    ///
    /// For transports that hand memory to an operating system or a C library. Valid while this
    /// buffer exists.
    @unsafe package var frameAddress: UnsafeMutableRawPointer {
        unsafe block + frameOffset
    }

    /// The bytes of memory that it holds, which is more than the frame has.
    package var heldByteCount: Int { frameOffset + capacity }
}

/// Where message memory comes from and goes back to.
///
/// Blocks come in size classes, powers of two; each class keeps a bounded number of idle blocks, so a
/// burst of large messages doesn't hold memory for ever. What lives in blocks handed out is counted
/// against `limitByteCount`, checked before memory is taken.
///
/// Safe to use from any thread. Taking from and giving back to a warm class costs a short lock and
/// allocates nothing.
@safe package final class BufferPool: @unchecked Sendable {
    private static let smallestClass = 10
    private static let largestClass = 40

    /// Memory that nobody holds; whoever takes it from the stack becomes its only holder.
    @safe private struct IdleBlock: @unchecked Sendable {
        @unsafe let address: UnsafeMutableRawPointer
    }

    /// A stack of idle blocks; touched only under the pool's lock.
    @safe private struct SizeClass {
        @unsafe var idle: UnsafeMutablePointer<IdleBlock>
        var idleCount = 0
        let idleLimit: Int
    }

    private struct State: ~Copyable {
        var classes: [SizeClass]
        var byteCountInUse = 0
    }

    private let state: Locked<State>

    /// The bytes of all blocks handed out at one time never exceed this.
    package let limitByteCount: Int

    /// Makes an empty pool.
    ///
    /// - Parameters:
    ///   - limitByteCount: The most bytes handed out at one time.
    ///   - idleByteCountLimitPerClass: The most bytes that idle blocks of one size class hold.
    package init(limitByteCount: Int, idleByteCountLimitPerClass: Int = 64 << 20) {
        self.limitByteCount = limitByteCount
        let classes = (Self.smallestClass...Self.largestClass).map { exponent in
            let limit = Swift.min(idleByteCountLimitPerClass >> exponent, 1024)
            let idle = UnsafeMutablePointer<IdleBlock>.allocate(capacity: limit)
            return unsafe SizeClass(idle: idle, idleLimit: limit)
        }
        state = Locked(State(classes: classes))
    }

    deinit {
        state.withLock { state in
            for index in state.classes.indices {
                for slot in 0..<state.classes[index].idleCount {
                    unsafe state.classes[index].idle[slot].address.deallocate()
                }
                unsafe state.classes[index].idle.deallocate()
            }
        }
    }

    /// The bytes of the blocks that are handed out.
    package var byteCountInUse: Int { state.withLock { $0.byteCountInUse } }

    /// Hands out memory for a frame, with unspecified contents.
    ///
    /// - Parameter byteCount: The bytes of the frame; becomes the buffer's byte count.
    /// - Returns: `nil` if the pool's limit would be exceeded.
    package func take(byteCount: Int) -> MessageBuffer? {
        precondition(byteCount >= 0, "a message cannot have a negative size")
        guard byteCount <= limitByteCount else { return nil }
        let wanted = byteCount + MessageBuffer.headroomByteCount
        let exponent = Swift.max(
            Int.bitWidth - (wanted - 1).leadingZeroBitCount,
            Self.smallestClass
        )
        let index = exponent - Self.smallestClass
        let blockByteCount = 1 << exponent
        var isWithinLimit = false
        let reused: IdleBlock? = state.withLock { state in
            guard state.byteCountInUse + blockByteCount <= Swift.max(limitByteCount, blockByteCount)
            else { return nil }
            isWithinLimit = true
            state.byteCountInUse += blockByteCount
            guard state.classes[index].idleCount > 0 else { return nil }
            state.classes[index].idleCount -= 1
            return unsafe state.classes[index].idle[state.classes[index].idleCount]
        }
        guard isWithinLimit else { return nil }
        // SAFETY: the block is at least `wanted` bytes long and nobody else holds it.
        let block =
            unsafe reused?.address
            ?? .allocate(byteCount: blockByteCount, alignment: AlignedBuffer.alignment)
        return unsafe MessageBuffer(
            block: block,
            sizeClass: index,
            capacity: blockByteCount - MessageBuffer.headroomByteCount,
            byteCount: byteCount,
            pool: self
        )
    }

    fileprivate func giveBack(_ block: UnsafeMutableRawPointer, sizeClass index: Int) {
        let idleBlock = unsafe IdleBlock(address: block)
        let isKept = state.withLock { state in
            state.byteCountInUse -= 1 << (index + Self.smallestClass)
            guard state.classes[index].idleCount < state.classes[index].idleLimit else {
                return false
            }
            unsafe state.classes[index].idle[state.classes[index].idleCount] = idleBlock
            state.classes[index].idleCount += 1
            return true
        }
        if !isKept { unsafe block.deallocate() }
    }
}
