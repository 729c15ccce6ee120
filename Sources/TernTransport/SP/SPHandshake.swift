/// The number by which a side of a pattern names itself.
package enum SPProtocol: UInt16, Sendable {
    /// The side that asks.
    case request = 0x0030
    /// The side that answers.
    case reply = 0x0031

    /// The side this one talks to.
    package var peer: SPProtocol { self == .request ? .reply : .request }
}

/// What both sides send first, at the same time: `00 'S' 'P' 00`, the protocol number, `00 00`.
package enum SPHandshake {
    /// The bytes of a handshake.
    package static let byteCount = 8

    /// The handshake of a side, in the order of the wire.
    package static func bytes(of side: SPProtocol) -> InlineArray<8, UInt8> {
        [
            0, 0x53, 0x50, 0, UInt8(side.rawValue >> 8), UInt8(side.rawValue & 0xFF), 0, 0,
        ]
    }

    /// Checks the first bytes of a peer, as far as they have arrived.
    ///
    /// A wrong byte is reported as soon as it is there, so that a stranger is not waited for.
    ///
    /// - Parameters:
    ///   - received: What has arrived.
    ///   - side: The side the peer must be.
    /// - Returns: Whether the handshake is complete; it takes the first ``byteCount`` bytes.
    /// - Throws: ``SPError/notSP`` or ``SPError/wrongProtocol(expected:found:)``.
    package static func check(
        _ received: RawSpan,
        isFrom side: SPProtocol
    ) throws(SPError) -> Bool {
        let expected = bytes(of: side)
        for index in 0..<Swift.min(received.byteCount, byteCount) where index != 4 && index != 5 {
            guard received.byte(at: index) == expected[index] else { throw .notSP }
        }
        guard received.byteCount >= byteCount else { return false }
        let found = UInt16(received.byte(at: 4)) << 8 | UInt16(received.byte(at: 5))
        guard found == side.rawValue else {
            throw .wrongProtocol(expected: side.rawValue, found: found)
        }
        return true
    }
}
