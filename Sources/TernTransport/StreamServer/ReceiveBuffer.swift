/// Bytes of one connection that were read and not yet used.
///
/// Filled at the end by reads, used up from the front. Only a message's head, or the first bytes of
/// a frame that is turned away, ever stay behind, so moving them to the front is cheap.
@safe struct ReceiveBuffer: ~Copyable {
    /// Room for many small requests in one read.
    ///
    /// A page of it is resident only once it was used.
    static let capacity = 64 << 10

    private let memory: UnsafeMutableRawPointer
    private var start = 0
    private var end = 0

    init() {
        unsafe memory = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit { unsafe memory.deallocate() }

    /// The bytes that are there.
    var unread: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: 0 <= start <= end <= capacity, and all before `end` was read into.
            let span = unsafe RawSpan(_unsafeStart: memory + start, byteCount: end - start)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    var unreadByteCount: Int { end - start }

    /// Uses up bytes at the front.
    mutating func remove(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= end - start)
        start += byteCount
    }

    /// Uses up bytes at the front by copying them.
    @unsafe mutating func move(_ byteCount: Int, to destination: UnsafeMutableRawPointer) {
        precondition(byteCount >= 0 && byteCount <= end - start)
        unsafe destination.copyMemory(from: memory + start, byteCount: byteCount)
        start += byteCount
    }

    /// Notes that a read has put bytes behind those that are there.
    mutating func add(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= Self.capacity - end)
        end += byteCount
    }

    /// The room for the next read, after moving what is left to the front.
    ///
    /// Nothing may be outstanding.
    mutating func room() -> ByteRegion {
        if start > 0 {
            unsafe memory.copyMemory(from: memory + start, byteCount: end - start)
            end -= start
            start = 0
        }
        return unsafe ByteRegion(address: memory + end, byteCount: Self.capacity - end)
    }
}
