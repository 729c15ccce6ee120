/// Makes the quads that a ``QuadTile`` reads.
///
/// Scalar twin: the padded image of `ScalarTwin.byteConvolution` in the tests, which sees every quad.
@usableFromInline
internal enum QuadStageKernel<I: QuadInstructionSet> {
    /// One byte of each of up to four planes: target[n] = (plane 0[n], plane 1[n], …), each xor `flip`.
    ///
    /// Planes that are not there give `missing`. Only the first `readable` bytes of a plane may be read.
    @inlinable
    @inline(__always)
    internal static func interleave(
        _ planes: UnsafePointer<UInt8>,
        _ planeStride: Int,
        _ planeCount: Int,
        _ count: Int,
        _ readable: Int,
        _ flip: UInt8,
        _ missing: UInt8,
        _ target: UnsafeMutablePointer<Int32>
    ) {
        let lanes = I.laneCount
        let flips = I.broadcast(Int32(bitPattern: UInt32(flip) &* 0x0101_0101))
        var rest = UInt32(missing ^ flip) &* 0x0101_0101
        rest = planeCount < 4 ? rest << UInt32(8 &* planeCount) : 0
        let fill = I.broadcast(Int32(bitPattern: rest))
        let p1 = unsafe planeCount > 1 ? planes + planeStride : planes
        let p2 = unsafe planeCount > 2 ? planes + 2 &* planeStride : planes
        let p3 = unsafe planeCount > 3 ? planes + 3 &* planeStride : planes
        let floats = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: Float.self)
        var n = 0
        while n < count, n &+ lanes <= readable {
            var quad = unsafe I.or(I.load(bytes: planes + n), fill)
            if planeCount > 1 {
                quad = unsafe I.or(quad, I.shiftLeft(I.load(bytes: p1 + n), by: 8))
            }
            if planeCount > 2 {
                quad = unsafe I.or(quad, I.shiftLeft(I.load(bytes: p2 + n), by: 16))
            }
            if planeCount > 3 {
                quad = unsafe I.or(quad, I.shiftLeft(I.load(bytes: p3 + n), by: 24))
            }
            unsafe I.storeFirst(I.floats(bits: I.xor(quad, flips)), floats + n, count &- n)
            n &+= lanes
        }
        while n < count {
            var quad = unsafe UInt32(planes[n]) | rest
            if planeCount > 1 { quad |= unsafe UInt32(p1[n]) << 8 }
            if planeCount > 2 { quad |= unsafe UInt32(p2[n]) << 16 }
            if planeCount > 3 { quad |= unsafe UInt32(p3[n]) << 24 }
            unsafe target[n] = Int32(bitPattern: quad ^ (UInt32(flip) &* 0x0101_0101))
            n &+= 1
        }
    }

    /// Every `stride`th quad of a row, from several places on: plane p of the target, n is
    /// source[p·step + n·stride].
    ///
    /// Behind the last quad that is needed, 2·laneCount more may be read.
    @inlinable
    @inline(__always)
    internal static func pick(
        _ source: UnsafePointer<Int32>,
        _ step: Int,
        _ stride: Int,
        _ count: Int,
        _ target: UnsafeMutablePointer<Int32>,
        _ planeStride: Int,
        _ planeCount: Int
    ) {
        for plane in 0..<planeCount {
            let from = unsafe source + plane &* step
            let to = unsafe target + plane &* planeStride
            let floats = unsafe UnsafeMutableRawPointer(to).assumingMemoryBound(to: Float.self)
            var n = 0
            while stride <= 2, n < count {
                let p = unsafe from + n &* stride
                var quads = unsafe I.floats(bits: I.load(p))
                if stride == 2 {
                    quads = unsafe I.even(quads, I.floats(bits: I.load(p + I.laneCount)))
                }
                unsafe I.storeFirst(quads, floats + n, count &- n)
                n &+= I.laneCount
            }
            while n < count {
                unsafe to[n] = from[n &* stride]
                n &+= 1
            }
        }
    }

    /// Windows of a row of bytes: target[n] = the bytes n·stride + j·dilation of the row, j = 0...3.
    ///
    /// Behind the last byte that is needed, 4·laneCount more may be read.
    @inlinable
    @inline(__always)
    internal static func windows(
        _ row: UnsafePointer<UInt8>,
        _ stride: Int,
        _ dilation: Int,
        _ count: Int,
        _ target: UnsafeMutablePointer<Int32>
    ) {
        if dilation == 1, stride <= 4 {
            let floats = unsafe UnsafeMutableRawPointer(target)
                .assumingMemoryBound(to: Float.self)
            let step = Int32(truncatingIfNeeded: stride)
            var n = 0
            while n < count {
                let quads = unsafe I.windows(row + n &* stride, stride: step)
                unsafe I.storeFirst(I.floats(bits: quads), floats + n, count &- n)
                n &+= I.laneCount
            }
            return
        }
        for n in 0..<count {
            let p = unsafe row + n &* stride
            var quad = unsafe UInt32(p[0])
            quad |= unsafe UInt32(p[dilation]) << 8
            quad |= unsafe UInt32(p[2 &* dilation]) << 16
            quad |= unsafe UInt32(p[3 &* dilation]) << 24
            unsafe target[n] = Int32(bitPattern: quad)
        }
    }

    /// Copies bytes, each xor `flip`.
    @inlinable
    @inline(__always)
    internal static func copy(
        _ source: UnsafePointer<UInt8>,
        _ count: Int,
        _ flip: UInt8,
        _ target: UnsafeMutablePointer<UInt8>
    ) {
        for n in 0..<count { unsafe target[n] = source[n] ^ flip }
    }
}
