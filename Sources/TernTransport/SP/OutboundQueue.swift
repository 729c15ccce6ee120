/// Messages on their way out of one connection, in order.
///
/// A ring that grows to the deepest queue it has seen and allocates nothing after that. What was
/// handed to a stream stays in the queue, and its memory in place, until ``advance(byByteCount:)``
/// says that it has left. Guarded by its owner's lock; only the owner's one writer calls ``regions``
/// and ``advance(byByteCount:)``.
@safe package struct OutboundQueue: ~Copyable {
    private struct Item: ~Copyable {
        let message: MessageBuffer
        let prefixByteCount: Int

        var byteCount: Int { prefixByteCount + message.byteCount }
    }

    /// Room for `capacity` items, a power of two; those from `head` on, `count` of them, are there.
    @unsafe private var items: UnsafeMutablePointer<Item>
    private var capacity: Int
    private var head = 0

    /// How many messages wait or are partly written.
    package private(set) var count = 0

    /// How much of the first message has left.
    private var writtenByteCount = 0

    /// The bytes of memory that the messages hold, which is more than they have to send.
    package private(set) var heldByteCount = 0

    /// An empty queue.
    package init() {
        capacity = 8
        unsafe items = .allocate(capacity: capacity)
    }

    deinit {
        for index in 0..<count {
            unsafe (items + ((head + index) & (capacity - 1))).deinitialize(count: 1)
        }
        unsafe items.deallocate()
    }

    /// Whether nothing waits.
    package var isEmpty: Bool { count == 0 }

    /// Adds a message whose prefix has been written into its headroom.
    package mutating func append(_ message: consuming MessageBuffer, prefixByteCount: Int) {
        if count == capacity { grow() }
        heldByteCount += message.heldByteCount
        let item = Item(message: message, prefixByteCount: prefixByteCount)
        unsafe (items + ((head + count) & (capacity - 1))).initialize(to: item)
        count += 1
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Item>.allocate(capacity: capacity * 2)
        for index in 0..<count {
            // SAFETY: each item moves from its place in the old ring to one in the new.
            unsafe (larger + index).initialize(
                to: (items + ((head + index) & (capacity - 1))).move()
            )
        }
        unsafe items.deallocate()
        unsafe items = unsafe larger
        capacity *= 2
        head = 0
    }

    /// Adds what must be written next to `regions`, as many messages as there is room for.
    package func appendRegions(to regions: inout ByteRegions) {
        var skipped = writtenByteCount
        for index in 0..<count {
            if unsafe regions.isFull { return }
            // SAFETY: the item is in the ring, and its bytes stay in place until it leaves; the
            // prefix lies in the headroom right before the frame.
            let item = unsafe items + ((head + index) & (capacity - 1))
            let start = unsafe item.pointee.message.frameAddress - item.pointee.prefixByteCount
            unsafe regions.append(
                ByteRegion(address: start + skipped, byteCount: item.pointee.byteCount - skipped)
            )
            skipped = 0
        }
    }

    /// Notes that `byteCount` bytes have left and frees the messages that are through.
    ///
    /// - Parameter byteCount: At most what was handed out.
    /// - Returns: How many messages have left completely.
    package mutating func advance(byByteCount byteCount: Int) -> Int {
        var left = byteCount
        var finished = 0
        while left > 0 {
            precondition(count > 0, "more bytes were written than were queued")
            let item = unsafe items + head
            let missing = unsafe item.pointee.byteCount - writtenByteCount
            guard left >= missing else {
                writtenByteCount += left
                return finished
            }
            left -= missing
            removeFirst()
            finished += 1
        }
        return finished
    }

    /// Frees every message; nothing of this queue may be outstanding.
    ///
    /// - Returns: How many there were.
    package mutating func removeAll() -> Int {
        let removed = count
        while count > 0 { removeFirst() }
        return removed
    }

    private mutating func removeFirst() {
        let item = unsafe items + head
        unsafe heldByteCount -= item.pointee.message.heldByteCount
        unsafe item.deinitialize(count: 1)
        head = (head + 1) & (capacity - 1)
        count -= 1
        writtenByteCount = 0
    }
}
