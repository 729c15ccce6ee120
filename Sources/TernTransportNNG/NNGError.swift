internal import CNNG
internal import TernTransport

extension ByteStreamError {
    /// Translates a result of libnng.
    ///
    /// - Parameters:
    ///   - status: A result other than 0.
    ///   - isClosedHere: Whether this end closed the object. libnng 1.5.2 reports a broken pipe by
    ///     the same code as a close at this end.
    init(nng status: Int32, isClosedHere: Bool) {
        switch UInt32(bitPattern: status) {
        case NNG_ECLOSED.rawValue, NNG_ECANCELED.rawValue:
            self = isClosedHere ? .closed : .reset
        case NNG_ECONNSHUT.rawValue: self = .disconnected
        case NNG_ECONNRESET.rawValue, NNG_ECONNABORTED.rawValue: self = .reset
        case NNG_ECONNREFUSED.rawValue: self = .refused
        case NNG_ENOENT.rawValue, NNG_EADDRINVAL.rawValue: self = .notFound
        case NNG_EADDRINUSE.rawValue: self = .addressInUse
        case NNG_EPERM.rawValue: self = .notPermitted
        case NNG_ENOFILES.rawValue: self = .outOfDescriptors
        case NNG_ENOMEM.rawValue: self = .outOfMemory
        default:
            // SAFETY: libnng returns a string that is never freed while this thread goes on.
            self = .other(code: status, message: unsafe String(cString: nng_strerror(status)))
        }
    }
}

/// Turns a status into an error, for objects that aren't closed.
func check(_ status: Int32) throws(ByteStreamError) {
    guard status == 0 else { throw ByteStreamError(nng: status, isClosedHere: false) }
}
