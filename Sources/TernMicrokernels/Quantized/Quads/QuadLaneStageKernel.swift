/// Moves planes of bytes to registers whose lanes are channels, and back.
///
/// Pixels of a plane are counted along it, row after row. Scalar twin: `ScalarTwin.byteConvolution` in
/// the tests, which sees every byte.
@usableFromInline
internal enum QuadLaneStageKernel<I: QuadInstructionSet> {
    /// Fills registers with four pixels of each plane.
    ///
    /// Lane c of register q is the bytes 4·q to 4·q + 3 of plane c, each xor `flip`. Registers are written in whole groups of as many as there are lanes. Only the first `readable`
    /// bytes of the last plane may be read.
    @inlinable
    @inline(__always)
    internal static func gather(
        _ planes: UnsafePointer<UInt8>,
        _ planeStride: Int,
        _ planeCount: Int,
        _ byteCount: Int,
        _ readable: Int,
        _ flip: UInt8,
        _ target: UnsafeMutablePointer<Int32>
    ) {
        let lanes = I.laneCount
        let width = 4 &* lanes
        let flips = I.broadcast(Int32(bitPattern: UInt32(flip) &* 0x0101_0101))
        var copy = InlineArray<1024, UInt8>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &copy) { buffer in
            let copy = unsafe UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: UInt8.self)
            var n = 0
            while n < byteCount {
                var source = unsafe planes + n
                var stride = planeStride
                if planeCount < lanes || n &+ width > readable {
                    let count = Swift.min(width, byteCount &- n)
                    for c in 0..<planeCount {
                        let from = unsafe source + c &* planeStride
                        unsafe (copy + c &* width).update(from: from, count: count)
                    }
                    unsafe source = UnsafePointer(copy)
                    stride = width
                }
                var square = TransposeKernel<I>.Square(repeating: I.broadcast(Float(0)))
                for i in 0..<I.laneCount {
                    let p = unsafe UnsafeRawPointer(source + i &* stride)
                        .assumingMemoryBound(to: Float.self)
                    unsafe square[unchecked: i] = I.load(p)
                }
                TransposeKernel<I>.transpose(&square)
                let to = unsafe UnsafeMutableRawPointer(target + (n / 4) &* lanes)
                    .assumingMemoryBound(to: Float.self)
                for i in 0..<I.laneCount {
                    let quads = unsafe I.xor(I.bits(square[unchecked: i]), flips)
                    unsafe I.store(I.floats(bits: quads), to + i &* lanes)
                }
                n &+= width
            }
        }
    }

    /// Fills registers with what windows along a row see.
    ///
    /// Register n is the bytes first + n·stride to first + n·stride + 3 of a row of `width` pixels that
    /// begins at pixel `base`, and of each byte outside the row the one in `zeros`.
    /// The register before the first pixel, and the one behind the last, may be read.
    @inlinable
    @inline(__always)
    internal static func windows(
        _ pixels: UnsafePointer<Int32>,
        _ base: Int,
        _ width: Int,
        _ first: Int,
        _ stride: Int,
        _ count: Int,
        _ zeros: Int32,
        _ target: UnsafeMutablePointer<Int32>
    ) {
        let lanes = I.laneCount
        let floats = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: Float.self)
        for n in 0..<count {
            let x = first &+ n &* stride
            let before = Swift.max(0, 0 &- x)
            let behind = Swift.max(0, x &+ 4 &- width)
            var quads = I.broadcast(zeros)
            if before &+ behind < 4 {
                let pixel = base &+ x
                let p = unsafe pixels + (pixel >> 2) &* lanes
                quads = unsafe I.load(p)
                let shift = Int32(truncatingIfNeeded: 8 &* (pixel & 3))
                if shift != 0 {
                    let next = unsafe I.load(p + lanes)
                    quads = I.or(
                        I.shiftRightZero(quads, by: shift),
                        I.shiftLeft(next, by: 32 &- shift)
                    )
                }
                if before &+ behind > 0 {
                    let inside =
                        (UInt32.max << UInt32(truncatingIfNeeded: 8 &* before))
                        & (UInt32.max >> UInt32(truncatingIfNeeded: 8 &* behind))
                    let mask = Int32(bitPattern: inside)
                    quads = I.or(
                        I.and(quads, I.broadcast(mask)),
                        I.broadcast(zeros & ~mask)
                    )
                }
            }
            unsafe I.store(I.floats(bits: quads), floats + n &* lanes)
        }
    }

    /// Bytes back to their planes: byte n of plane c is lane c of the nth row of `source`, which has one
    /// byte for each lane.
    ///
    /// Behind the last row, 4·lanes more may be read.
    @inlinable
    @inline(__always)
    internal static func scatter(
        _ source: UnsafePointer<UInt8>,
        _ count: Int,
        _ planes: UnsafeMutablePointer<UInt8>,
        _ planeStride: Int,
        _ planeCount: Int
    ) {
        let lanes = I.laneCount
        let width = 4 &* lanes
        var copy = InlineArray<1024, UInt8>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &copy) { buffer in
            let copy = unsafe UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: UInt8.self)
            var n = 0
            while n < count {
                var square = TransposeKernel<I>.Square(repeating: I.broadcast(Float(0)))
                for i in 0..<I.laneCount {
                    let p = unsafe source + (n &+ 4 &* i) &* lanes
                    var quads = unsafe I.load(bytes: p)
                    quads = unsafe I.or(quads, I.shiftLeft(I.load(bytes: p + lanes), by: 8))
                    quads = unsafe I.or(quads, I.shiftLeft(I.load(bytes: p + 2 &* lanes), by: 16))
                    quads = unsafe I.or(quads, I.shiftLeft(I.load(bytes: p + 3 &* lanes), by: 24))
                    unsafe square[unchecked: i] = I.floats(bits: quads)
                }
                TransposeKernel<I>.transpose(&square)
                let isWhole = planeCount >= lanes && count &- n >= width
                let target = unsafe isWhole ? planes + n : copy
                let stride = isWhole ? planeStride : width
                for i in 0..<I.laneCount {
                    let p = unsafe UnsafeMutableRawPointer(target + i &* stride)
                        .assumingMemoryBound(to: Float.self)
                    unsafe I.store(square[unchecked: i], p)
                }
                if !isWhole {
                    let rest = Swift.min(width, count &- n)
                    for c in 0..<Swift.min(planeCount, lanes) {
                        let to = unsafe planes + (c &* planeStride &+ n)
                        unsafe to.update(from: copy + c &* width, count: rest)
                    }
                }
                n &+= width
            }
        }
    }
}
