/// Products of bytes: runs an ``IntegerTile``.
///
/// Scalar twin: `ScalarTwin.integerProduct` in the tests, equal in every bit of `acc`.
@usableFromInline
internal enum IntegerKernel<I: BFloatInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: IntegerTile) {
        if tile.isSigned {
            unsafe DotKernel<SignedProduct<I>>.run(tile.operands) {
                unsafe finish(tile, $0, $1, $2, $3, $4, $5)
            }
        } else {
            unsafe DotKernel<UnsignedProduct<I>>.run(tile.operands) {
                unsafe finish(tile, $0, $1, $2, $3, $4, $5)
            }
        }
    }

    /// Stores one block of sums.
    @inlinable
    @inline(never)
    internal static func finish(
        _ tile: IntegerTile,
        _ sums: UnsafeMutablePointer<Float>,
        _ stride: Int,
        _ row: Int,
        _ rowCount: Int,
        _ column: Int,
        _ columnCount: Int
    ) {
        for r in row..<row &+ rowCount {
            let source = unsafe UnsafeRawPointer(sums + (r &- row) &* stride)
                .assumingMemoryBound(to: Int32.self)
            let target = r &* tile.cRowStride &+ column
            switch tile.output {
            case .integers:
                let c = unsafe tile.c.assumingMemoryBound(to: Float.self) + target
                unsafe each(tile, source, r, column, columnCount) { acc, n, count in
                    unsafe I.storeFirst(I.floats(bits: acc), c + n, count)
                }
            case .floats:
                let c = unsafe tile.c.assumingMemoryBound(to: Float.self) + target
                unsafe each(tile, source, r, column, columnCount) { acc, n, count in
                    let v = value(tile, acc, r, column &+ n, count)
                    unsafe I.storeFirst(v, c + n, count)
                }
            case .bytes:
                let c = unsafe tile.c.assumingMemoryBound(to: UInt8.self) + target
                let zero = I.broadcast(tile.zeroPoint)
                unsafe each(tile, source, r, column, columnCount) { acc, n, count in
                    let v = value(tile, acc, r, column &+ n, count)
                    let rounded = I.truncate(I.roundToEven(v))
                    unsafe I.storeFirst(bytes: I.add(rounded, zero), c + n, count)
                }
            }
        }
    }

    /// Calls `store` with `acc`, one register at a time, and with where it begins and how much counts.
    @inlinable
    @inline(__always)
    internal static func each(
        _ tile: IntegerTile,
        _ source: UnsafePointer<Int32>,
        _ row: Int,
        _ column: Int,
        _ columnCount: Int,
        _ store: (I.Integers, Int, Int) -> Void
    ) {
        let zero = unsafe tile.rowZeros[row]
        var n = 0
        while n < columnCount {
            let count = Swift.min(I.laneCount, columnCount &- n)
            var acc = unsafe I.load(source + n)
            if zero != 0 {
                let sums = unsafe I.load(tile.columnSums + column + n, count: count)
                acc = I.subtract(acc, I.multiply(I.broadcast(zero), sums))
            }
            if let zeros = unsafe tile.columnZeros {
                let term = unsafe I.broadcast(tile.rowTerms[row])
                let these = unsafe I.load(zeros + column + n, count: count)
                acc = I.subtract(acc, I.multiply(these, term))
            }
            store(acc, n, count)
            n &+= I.laneCount
        }
    }

    /// `v` of the tile's equation.
    @inlinable
    @inline(__always)
    internal static func value(
        _ tile: IntegerTile,
        _ acc: I.Integers,
        _ row: Int,
        _ column: Int,
        _ count: Int
    ) -> I.Floats {
        var scale = tile.scale
        if let scales = unsafe tile.rowScales { unsafe scale *= scales[row] }
        var factor = I.broadcast(scale)
        if let scales = unsafe tile.columnScales {
            factor = unsafe I.multiply(factor, I.load(scales + column, count: count))
        }
        var v = I.multiply(I.convert(acc), factor)
        if let bias = unsafe tile.bias {
            v = unsafe I.add(v, I.load(bias + column, count: count))
        }
        if tile.output == .bytes {
            // The bound comes second: NaN becomes the lower one, as no byte stands for it.
            v = I.maximum(v, I.broadcast(tile.lower))
            return I.minimum(v, I.broadcast(tile.upper))
        }
        v = I.maximum(I.broadcast(tile.lower), v)
        return I.minimum(I.broadcast(tile.upper), v)
    }

    /// Σ a of each row of bytes, as the product takes them: (a, row stride, row count, byte count,
    /// isSigned, sums).
    @inlinable
    @inline(__always)
    internal static func rowSums(
        _ a: UnsafeRawPointer,
        _ stride: Int,
        _ rowCount: Int,
        _ byteCount: Int,
        _ isSigned: Bool,
        _ sums: UnsafeMutablePointer<Int32>
    ) {
        let ones = I.broadcast(Int32(0x0101_0101))
        let flip = isSigned ? UInt32(0x8080_8080) : 0
        let flips = I.broadcast(Int32(bitPattern: flip))
        for r in 0..<rowCount {
            var p = unsafe a + r &* stride
            var total = I.broadcast(Int32(0))
            var remaining = byteCount
            while remaining >= 4 &* I.laneCount {
                let x = unsafe I.load(p.assumingMemoryBound(to: Int32.self))
                total = I.dot(total, unsigned: I.xor(x, flips), signed: ones)
                unsafe p += 4 &* I.laneCount
                remaining &-= 4 &* I.laneCount
            }
            var sum = I.sum(total)
            while remaining > 0 {
                let byte = unsafe p.loadUnaligned(as: UInt8.self) ^ UInt8(truncatingIfNeeded: flip)
                sum &+= Int32(byte)
                unsafe p += 1
                remaining &-= 1
            }
            unsafe sums[r] = sum
        }
    }
}
