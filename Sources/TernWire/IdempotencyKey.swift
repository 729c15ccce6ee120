/// Sixteen bytes, chosen by the client, that name one piece of work however often it is sent.
///
/// A retry carries the key of the first attempt; ``CancelRequest`` can name a request by it from
/// any connection.
package struct IdempotencyKey: Hashable, Sendable {
    /// The first eight bytes as a little-endian number.
    package let low: UInt64
    /// The last eight bytes as a little-endian number.
    package let high: UInt64

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Makes a key that nobody else has, from the system's random numbers.
    package static func random() -> IdempotencyKey {
        IdempotencyKey(low: .random(in: .min ... .max), high: .random(in: .min ... .max))
    }
}

extension IdempotencyKey: CustomStringConvertible {
    /// The sixteen bytes in order, as hexadecimal digits.
    package var description: String {
        var digits = ""
        for word in [low, high] {
            for index in 0..<8 {
                let byte = UInt8(truncatingIfNeeded: word >> (8 * UInt64(index)))
                digits += (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return digits
    }
}
