/// The requests of one connection that have no reply yet, counted against the limits.
struct RequestsInFlight: Sendable {
    private(set) var count = 0
    private(set) var byteCount = 0

    /// Counts a request of `requestByteCount` bytes, or says which limit forbids it.
    ///
    /// A connection without any other may have one request of any size the frame limit allows.
    mutating func reserve(
        _ requestByteCount: Int,
        limits: TransportLimits
    ) -> TransportRefusal? {
        guard count < limits.requestCountPerConnection else {
            return .tooManyInFlight(limit: limits.requestCountPerConnection)
        }
        guard
            count == 0 || byteCount + requestByteCount <= limits.requestByteCountPerConnection
        else {
            return .tooManyBytesInFlight(limit: limits.requestByteCountPerConnection)
        }
        count += 1
        byteCount += requestByteCount
        return nil
    }

    /// Counts a request as answered.
    mutating func release(_ requestByteCount: Int) {
        precondition(count > 0, "a request was answered that was not in flight")
        count -= 1
        byteCount -= requestByteCount
    }
}
