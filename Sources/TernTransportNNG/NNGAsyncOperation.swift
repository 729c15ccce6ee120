internal import CNNG
internal import TernTransport

/// One of libnng's asynchronous operation objects, to be used again and again by one owner.
///
/// The owner frees it with ``reap()`` when no operation is outstanding, from any thread, also from
/// within the completion.
@safe struct NNGAsyncOperation: @unchecked Sendable {
    /// Handed to libnng's functions.
    @unsafe let aio: OpaquePointer

    /// Makes one.
    ///
    /// - Parameters:
    ///   - owner: Handed to `completion` each time; not retained.
    ///   - completion: Called on a thread of libnng after each operation; must not block.
    /// - Throws: ``ByteStreamError/outOfMemory``.
    init<Owner: AnyObject>(
        owner: Owner,
        completion: @convention(c) (UnsafeMutableRawPointer?) -> Void
    ) throws(ByteStreamError) {
        var aio: OpaquePointer?
        let context = unsafe Unmanaged.passUnretained(owner).toOpaque()
        try check(unsafe nng_aio_alloc(&aio, completion, context))
        guard let aio = unsafe aio else { throw .outOfMemory }
        unsafe self.aio = unsafe aio
        // No time-out of libnng's is used: it counts on the clock that can be set.
        unsafe nng_aio_set_timeout(aio, NNG_DURATION_INFINITE)
    }

    /// Names the memory of the next operation.
    func setRegions(_ regions: ByteRegions) {
        var pieces = unsafe InlineArray<8, nng_iov>(repeating: nng_iov())
        for index in unsafe 0..<regions.count {
            let region = unsafe regions[index]
            unsafe pieces[index] = unsafe nng_iov(
                iov_buf: region.address,
                iov_len: region.byteCount
            )
        }
        let count = unsafe UInt32(regions.count)
        let status = unsafe pieces.span.withUnsafeBufferPointer { pointer in
            unsafe nng_aio_set_iov(aio, count, pointer.baseAddress)
        }
        precondition(status == 0, "libnng refused \(count) pieces of memory")
    }

    /// How the operation ended: the bytes it moved, or libnng's status.
    func outcome(isClosedHere: Bool) -> Result<Int, ByteStreamError> {
        let status = unsafe nng_aio_result(aio)
        guard status == 0 else {
            return .failure(ByteStreamError(nng: status, isClosedHere: isClosedHere))
        }
        return .success(Int(unsafe nng_aio_count(aio)))
    }

    /// Frees it in the background, once a completion that is still running has returned.
    func reap() { unsafe nng_aio_reap(aio) }
}
