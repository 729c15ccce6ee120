internal import Glibc

/// Memory of a fixed size that starts on a cache line, owned by the object or kept by another.
///
/// The memory is zeroed once, at creation, so that no byte of an earlier owner can be read.
/// Whoever writes it must be its only user at that time; a finished buffer may be read from any
/// number of threads. A buffer that views another's memory, such as a file's, is never written.
///
/// A large buffer starts on a page of 2 MiB, and the kernel is asked to use such pages: weights that
/// are streamed from memory then cost few walks of the page table.
@safe public final class AlignedBuffer: @unchecked Sendable {
    /// The alignment of every buffer, in bytes: one cache line, one 512-bit register.
    public static let alignment = 64

    /// The bytes of a large page.
    private static let largePageByteCount = 2 << 20

    /// How many bytes there are.
    public let byteCount: Int

    /// The first byte; at least one is allocated even if ``byteCount`` is 0.
    @unsafe package let baseAddress: UnsafeMutableRawPointer

    /// Whether the contents were given back; see ``release()``.
    package private(set) var isReleased = false

    /// Who keeps the memory, if the buffer does not.
    private let keeper: (any AnyObject & Sendable)?

    /// Allocates and zeroes `byteCount` bytes.
    public init(byteCount: Int) {
        precondition(byteCount >= 0, "a buffer cannot have a negative size")
        self.byteCount = byteCount
        keeper = nil
        let isLarge = byteCount >= 2 * Self.largePageByteCount
        unsafe baseAddress = .allocate(
            byteCount: Swift.max(byteCount, 1),
            alignment: isLarge ? Self.largePageByteCount : Self.alignment
        )
        if isLarge {
            // Only whole pages, so that no neighbour's memory is meant. A wish: failing is no matter.
            let pages = byteCount / Self.largePageByteCount * Self.largePageByteCount
            _ = unsafe madvise(baseAddress, pages, Int32(MADV_HUGEPAGE))
        }
        // SAFETY: the allocation above has at least this many bytes.
        unsafe baseAddress.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    /// Views memory that another keeps, for reading.
    ///
    /// - Parameters:
    ///   - bytes: The memory; it starts on a cache line and stays what it is as long as the keeper is
    ///     there.
    ///   - keeper: What keeps it.
    /// - Precondition: The memory starts on a cache line.
    @unsafe package init(
        viewing bytes: UnsafeRawBufferPointer,
        keptBy keeper: any AnyObject & Sendable
    ) {
        guard let address = bytes.baseAddress,
            UInt(bitPattern: address).isMultiple(of: UInt(Self.alignment))
        else { preconditionFailure("a view starts on a cache line") }
        byteCount = bytes.count
        self.keeper = keeper
        // SAFETY: `withMutableBytes` refuses to write it.
        unsafe baseAddress = UnsafeMutableRawPointer(mutating: address)
    }

    deinit { if keeper == nil { unsafe baseAddress.deallocate() } }

    /// Gives the contents back to the system; the memory reads as zeros from then on, and takes none.
    ///
    /// For weights that nobody reads any more, but whose buffer still stands for them. The caller must
    /// be the buffer's only user. Only whole pages are given back, and none of another's memory.
    ///
    /// - Returns: How many bytes were given back.
    package func release() -> Int {
        guard keeper == nil else { return 0 }
        let page = 4096
        let start = Int(bitPattern: unsafe baseAddress)
        let first = (start + page - 1) / page * page
        let last = (start + byteCount) / page * page
        guard last > first else { return 0 }
        isReleased = true
        // SAFETY: the pages lie in this allocation, whose user gives up what they hold.
        let failed = unsafe madvise(baseAddress + (first - start), last - first, MADV_DONTNEED)
        return failed == 0 ? last - first : 0
    }

    /// The bytes, for reading.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the memory lives as long as `self`, which the span's lifetime depends on.
            let span = unsafe RawSpan(_unsafeStart: baseAddress, byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Calls `body` with the bytes for writing.
    ///
    /// The caller must be the buffer's only user while `body` runs.
    ///
    /// - Precondition: The memory is the buffer's own.
    package func withMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(keeper == nil, "memory that another keeps is written")
        return try unsafe body(UnsafeMutableRawBufferPointer(start: baseAddress, count: byteCount))
    }
}
