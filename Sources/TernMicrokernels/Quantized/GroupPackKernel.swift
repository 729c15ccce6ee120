/// Fills one panel of B in groups of four bytes along K, as ``DotOperands`` describes.
///
/// The panel is as wide as two registers have lanes; columns from `columnCount` on are 0, and so is what
/// fills up the last group. Runs where weights are loaded, and for a B that changes with each call.
@usableFromInline
internal enum GroupPackKernel<I: BFloatInstructionSet> {
    /// Bytes, and their sums along K.
    ///
    /// Element (k, n) comes from `b + k·depthStride + n·columnStride`. With `flip` 0x80 a byte 0...255
    /// becomes one 128 less. `sums` gets as many numbers as the panel has columns.
    @inlinable
    @inline(__always)
    internal static func bytes(
        _ b: UnsafePointer<UInt8>,
        _ depthStride: Int,
        _ columnStride: Int,
        _ depth: Int,
        _ columnCount: Int,
        _ flip: UInt8,
        _ target: UnsafeMutablePointer<UInt8>,
        _ sums: UnsafeMutablePointer<Int32>
    ) {
        let width = 2 &* I.laneCount
        for n in 0..<width { unsafe sums[n] = 0 }
        var k = 0
        while k < depth {
            let group = unsafe target + k &* width
            let rows = Swift.min(4, depth &- k)
            if columnCount < width || rows < 4 {
                unsafe group.update(repeating: 0, count: 4 &* width)
            }
            let source = unsafe b + k &* depthStride
            for n in 0..<columnCount {
                let column = unsafe source + n &* columnStride
                var sum: Int32 = 0
                for r in 0..<rows {
                    let byte = unsafe column[r &* depthStride] ^ flip
                    unsafe group[4 &* n &+ r] = byte
                    sum &+= Int32(Int8(bitPattern: byte))
                }
                unsafe sums[n] &+= sum
            }
            k &+= 4
        }
    }

    /// Pairs of 16-bit numbers.
    @inlinable
    @inline(__always)
    internal static func halfwords(
        _ b: UnsafePointer<UInt16>,
        _ depthStride: Int,
        _ columnStride: Int,
        _ depth: Int,
        _ columnCount: Int,
        _ target: UnsafeMutablePointer<UInt16>
    ) {
        let width = 2 &* I.laneCount
        var k = 0
        while k < depth {
            let group = unsafe target + k &* width
            let rows = Swift.min(2, depth &- k)
            if columnCount < width || rows < 2 {
                unsafe group.update(repeating: 0, count: 2 &* width)
            }
            let source = unsafe b + k &* depthStride
            for n in 0..<columnCount {
                let column = unsafe source + n &* columnStride
                for r in 0..<rows { unsafe group[2 &* n &+ r] = column[r &* depthStride] }
            }
            k &+= 2
        }
    }
}
