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
        let stored = unsafe Rows(tile: tile, sums: sums, stride: stride, row: row, column: column)
        switch tile.output {
        case .integers:
            let c = unsafe tile.c.assumingMemoryBound(to: Float.self) + column
            for r in row..<row &+ rowCount {
                let target = unsafe c + r &* tile.cRowStride
                each(stored, r, columnCount) { acc, n, count in
                    unsafe I.storeFirst(I.floats(bits: acc), target + n, count)
                }
            }
        case .floats:
            let c = unsafe tile.c.assumingMemoryBound(to: Float.self) + column
            for r in row..<row &+ rowCount {
                let target = unsafe c + r &* tile.cRowStride
                each(stored, r, columnCount) { acc, n, count in
                    let v = value(tile, acc, r, column &+ n, count)
                    unsafe I.storeFirst(v, target + n, count)
                }
            }
        case .bytes:
            let c = unsafe tile.c.assumingMemoryBound(to: UInt8.self) + column
            let zero = I.broadcast(tile.zeroPoint)
            for r in row..<row &+ rowCount {
                let target = unsafe c + r &* tile.cRowStride
                each(stored, r, columnCount) { acc, n, count in
                    let v = value(tile, acc, r, column &+ n, count)
                    let rounded = I.truncate(I.roundToEven(v))
                    unsafe I.storeFirst(bytes: I.add(rounded, zero), target + n, count)
                }
            }
        }
    }

    /// A block of sums and what corrects them.
    @usableFromInline
    @safe internal struct Rows {
        @usableFromInline internal let tile: IntegerTile
        @usableFromInline internal let sums: UnsafeMutablePointer<Float>
        @usableFromInline internal let stride: Int
        @usableFromInline internal let row: Int
        @usableFromInline internal let column: Int

        @inlinable
        @inline(__always)
        internal init(
            tile: IntegerTile,
            sums: UnsafeMutablePointer<Float>,
            stride: Int,
            row: Int,
            column: Int
        ) {
            self.tile = tile
            unsafe self.sums = sums
            self.stride = stride
            self.row = row
            self.column = column
        }
    }

    /// Calls `store` with `acc` of one row, one register at a time, and with where it begins and how
    /// many lanes count.
    @inlinable
    @inline(__always)
    internal static func each(
        _ rows: Rows,
        _ row: Int,
        _ columnCount: Int,
        _ store: (I.Integers, Int, Int) -> Void
    ) {
        let source = unsafe UnsafeRawPointer(rows.sums + (row &- rows.row) &* rows.stride)
            .assumingMemoryBound(to: Int32.self)
        var n = 0
        while columnCount &- n >= I.laneCount {
            let acc = unsafe corrected(rows, I.load(source + n), row, n, I.laneCount)
            store(acc, n, I.laneCount)
            n &+= I.laneCount
        }
        if n < columnCount {
            let count = columnCount &- n
            let acc = unsafe corrected(rows, I.load(source + n), row, n, count)
            store(acc, n, count)
        }
    }

    /// `acc` of the tile's equation.
    @inlinable
    @inline(__always)
    internal static func corrected(
        _ rows: Rows,
        _ sums: I.Integers,
        _ row: Int,
        _ n: Int,
        _ count: Int
    ) -> I.Integers {
        let tile = rows.tile
        var acc = sums
        let zero = unsafe tile.rowZeros[row]
        if zero != 0 {
            let sums = unsafe I.load(tile.columnSums + rows.column + n, count: count)
            acc = I.subtract(acc, I.multiply(I.broadcast(zero), sums))
        }
        if let zeros = unsafe tile.columnZeros {
            let term = unsafe I.broadcast(tile.rowTerms[row])
            let these = unsafe I.load(zeros + rows.column + n, count: count)
            acc = I.subtract(acc, I.multiply(these, term))
        }
        return acc
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
