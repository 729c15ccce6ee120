/// XXH64, a hash of 64 bits that runs about as fast as memory is read.
///
/// It finds accidents, not attacks: whoever can write a file can write its checksum too. Y. Collet:
/// *xxHash fast digest algorithm*, version 0.1.1.
package enum Checksum {
    private static let primes: (UInt64, UInt64, UInt64, UInt64, UInt64) = (
        0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9,
        0x85EB_CA77_C2B2_AE63, 0x27D4_EB2F_1656_67C5
    )

    /// The hash of some bytes, with the seed 0.
    package static func of(_ bytes: RawSpan) -> UInt64 {
        // SAFETY: the loads below stay inside the count.
        unsafe bytes.withUnsafeBytes { unsafe of($0) }
    }

    @unsafe private static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let (p1, p2, p3, p4, p5) = primes
        let count = bytes.count
        var offset = 0
        var hash: UInt64
        if count >= 32 {
            var (a, b, c, d) = (p1 &+ p2, p2, UInt64(0), 0 &- p1)
            while offset &+ 32 <= count {
                unsafe a = round(a, word(bytes, offset))
                unsafe b = round(b, word(bytes, offset &+ 8))
                unsafe c = round(c, word(bytes, offset &+ 16))
                unsafe d = round(d, word(bytes, offset &+ 24))
                offset &+= 32
            }
            hash = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
            for lane in [a, b, c, d] { hash = (hash ^ round(0, lane)) &* p1 &+ p4 }
        } else {
            hash = p5
        }
        hash &+= UInt64(count)
        while offset &+ 8 <= count {
            hash = rotate(hash ^ round(0, unsafe word(bytes, offset)), 27) &* p1 &+ p4
            offset &+= 8
        }
        if offset &+ 4 <= count {
            let half = unsafe UInt32(
                littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            )
            hash = rotate(hash ^ UInt64(half) &* p1, 23) &* p2 &+ p3
            offset &+= 4
        }
        while offset < count {
            hash = rotate(hash ^ UInt64(unsafe bytes[offset]) &* p5, 11) &* p1
            offset &+= 1
        }
        hash = (hash ^ hash >> 33) &* p2
        hash = (hash ^ hash >> 29) &* p3
        return hash ^ hash >> 32
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value &<< count | value &>> (64 &- count)
    }

    @inline(__always)
    private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
        rotate(lane &+ input &* primes.1, 31) &* primes.0
    }

    @inline(__always)
    @unsafe private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        // SAFETY: the caller has checked that 8 bytes are there.
        unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
