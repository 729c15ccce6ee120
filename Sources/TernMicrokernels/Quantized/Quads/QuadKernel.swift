/// Runs a ``QuadTile``: cuts it into the blocks that ``QuadBody`` has code for.
@usableFromInline
internal enum QuadKernel<I: QuadInstructionSet> {
    /// The filters of the block that begins when `remaining` are left; beyond them it is filled up.
    @inlinable
    @inline(__always)
    internal static func height(remaining: Int) -> Int {
        if remaining == 1 { return 1 }
        if I.dotRowCount == 4 { return 4 }
        return remaining <= 4 ? 4 : remaining <= 8 ? 8 : 12
    }

    @inlinable
    @inline(__always)
    internal static func run(_ x: QuadTile) {
        // Twelve rows of two registers of sixteen lanes.
        var block = InlineArray<384, Int32>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &block) { buffer in
            unsafe buffer.withMemoryRebound(to: Int32.self, capacity: 384) { memory in
                var weights = unsafe x.weights
                var filter = 0
                while filter < x.filterCount {
                    let height = height(remaining: x.filterCount &- filter)
                    unsafe line(x, weights, filter, height, memory)
                    unsafe weights += height &* x.stepCount
                    filter &+= height
                }
            }
        }
    }

    /// One block of filters at all positions.
    @inlinable
    @inline(__always)
    internal static func line(
        _ x: QuadTile,
        _ weights: UnsafePointer<Int32>,
        _ filter: Int,
        _ height: Int,
        _ memory: UnsafeMutablePointer<Int32>
    ) {
        var position = 0
        if height == 1 {
            while x.positionCount &- position >= 4 &* I.laneCount {
                unsafe QuadLine<I>.run(x, weights, filter, position, memory)
                position &+= 4 &* I.laneCount
            }
        }
        while position < x.positionCount {
            let remaining = x.positionCount &- position
            // A few positions more than whole registers take a register of filters each.
            let tail = remaining % I.laneCount
            let hasTail = remaining < 2 &* I.laneCount && tail > 0 && 3 &* tail <= height
            if hasTail, remaining == tail {
                unsafe self.tail(x, weights, filter, height, position, tail, memory)
                return
            }
            let count = hasTail ? I.laneCount : Swift.min(remaining, 2 &* I.laneCount)
            let isWide = count > I.laneCount
            switch height {
            case 1:
                if isWide {
                    unsafe QuadBody<I, 1, 2>.run(x, weights, filter, position, count, memory)
                } else {
                    unsafe QuadBody<I, 1, 1>.run(x, weights, filter, position, count, memory)
                }
            case 4:
                if isWide {
                    unsafe QuadBody<I, 4, 2>.run(x, weights, filter, position, count, memory)
                } else {
                    unsafe QuadBody<I, 4, 1>.run(x, weights, filter, position, count, memory)
                }
            default:
                guard I.dotRowCount > 4 else { return }
                unsafe tall(x, weights, filter, height, position, count, memory)
            }
            position &+= count
        }
    }

    @inlinable
    @inline(__always)
    internal static func tail(
        _ x: QuadTile,
        _ weights: UnsafePointer<Int32>,
        _ filter: Int,
        _ height: Int,
        _ position: Int,
        _ count: Int,
        _ memory: UnsafeMutablePointer<Int32>
    ) {
        switch count {
        case 1: unsafe QuadTailBody<I, 1>.run(x, weights, filter, height, position, 1, memory)
        case 2: unsafe QuadTailBody<I, 2>.run(x, weights, filter, height, position, 2, memory)
        default:
            unsafe QuadTailBody<I, 4>.run(x, weights, filter, height, position, count, memory)
        }
    }

    @inlinable
    @inline(__always)
    internal static func tall(
        _ x: QuadTile,
        _ weights: UnsafePointer<Int32>,
        _ filter: Int,
        _ height: Int,
        _ position: Int,
        _ count: Int,
        _ memory: UnsafeMutablePointer<Int32>
    ) {
        let isWide = count > I.laneCount
        if height == 8 {
            if isWide {
                unsafe QuadBody<I, 8, 2>.run(x, weights, filter, position, count, memory)
            } else {
                unsafe QuadBody<I, 8, 1>.run(x, weights, filter, position, count, memory)
            }
        } else if isWide {
            unsafe QuadBody<I, 12, 2>.run(x, weights, filter, position, count, memory)
        } else {
            unsafe QuadBody<I, 12, 1>.run(x, weights, filter, position, count, memory)
        }
    }

    /// Σ of the window at each position, over the bytes that `ones` picks, minus `total`: the terms of a
    /// ``QuadTile``, whole registers of them.
    @inlinable
    @inline(__always)
    internal static func terms(
        _ x: QuadTile,
        _ ones: UnsafePointer<Int32>,
        _ total: Int32
    ) {
        var position = 0
        while position < x.positionCount {
            let source = unsafe x.source + 4 &* position
            var sum = I.broadcast(0 &- total)
            for s in 0..<x.stepCount {
                let p = unsafe (source + x.offsets[s]).assumingMemoryBound(to: Int32.self)
                sum = unsafe I.dot(sum, unsigned: I.load(p), signed: I.broadcast(ones[s]))
            }
            let target = unsafe UnsafeMutableRawPointer(x.terms + position)
                .assumingMemoryBound(to: Float.self)
            unsafe I.store(I.floats(bits: sum), target)
            position &+= I.laneCount
        }
    }
}

/// One filter at four registers of positions, for convolutions of one filter for each channel.
@usableFromInline
internal enum QuadLine<I: QuadInstructionSet> {
    @inlinable
    @inline(never)
    internal static func run(
        _ x: QuadTile,
        _ weights: UnsafePointer<Int32>,
        _ filter: Int,
        _ position: Int,
        _ memory: UnsafeMutablePointer<Int32>
    ) {
        let lanes = I.laneCount
        let start = unsafe I.broadcast(x.starts[filter])
        var (s0, s1, s2, s3) = (start, start, start, start)
        let source = unsafe x.source + 4 &* position
        for s in 0..<x.stepCount {
            let p = unsafe (source + x.offsets[s]).assumingMemoryBound(to: Int32.self)
            let w = unsafe I.broadcast(weights[s])
            s0 = unsafe I.dot(s0, unsigned: I.load(p), signed: w)
            s1 = unsafe I.dot(s1, unsigned: I.load(p + lanes), signed: w)
            s2 = unsafe I.dot(s2, unsigned: I.load(p + 2 &* lanes), signed: w)
            s3 = unsafe I.dot(s3, unsigned: I.load(p + 3 &* lanes), signed: w)
        }
        if let zeros = unsafe x.zeros {
            let z = unsafe I.broadcast(zeros[filter])
            let t = unsafe x.terms + position
            s0 = unsafe I.subtract(s0, I.multiply(z, I.load(t)))
            s1 = unsafe I.subtract(s1, I.multiply(z, I.load(t + lanes)))
            s2 = unsafe I.subtract(s2, I.multiply(z, I.load(t + 2 &* lanes)))
            s3 = unsafe I.subtract(s3, I.multiply(z, I.load(t + 3 &* lanes)))
        }
        if x.isBytes, let index = x.outputIndex(position, 4 &* lanes) {
            let end = QuadEnd<I>(x.lower, x.upper, x.zeroPoint)
            let f = unsafe I.broadcast(x.factors[filter])
            let p =
                unsafe x.target.assumingMemoryBound(to: UInt8.self)
                + (filter &* x.targetStride &+ index)
            unsafe I.store(bytes: end.bytes(s0, f), p)
            unsafe I.store(bytes: end.bytes(s1, f), p + lanes)
            unsafe I.store(bytes: end.bytes(s2, f), p + 2 &* lanes)
            unsafe I.store(bytes: end.bytes(s3, f), p + 3 &* lanes)
            return
        }
        let p = unsafe UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Float.self)
        unsafe I.store(I.floats(bits: s0), p)
        unsafe I.store(I.floats(bits: s1), p + lanes)
        unsafe I.store(I.floats(bits: s2), p + 2 &* lanes)
        unsafe I.store(I.floats(bits: s3), p + 3 &* lanes)
        unsafe QuadFinish<I>.scatter(x, memory, filter, 1, position, 4 &* lanes)
    }
}
