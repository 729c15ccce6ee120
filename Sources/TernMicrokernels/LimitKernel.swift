/// Loops that do one thing as fast as the machine can: what the numbers of a benchmark are held against.
///
/// The arithmetic loads and stores nothing, and twelve independent chains hide the latency of the
/// operation; each result is an operand of the next one, so that nothing can be computed ahead.
@usableFromInline
internal enum LimitKernel<I: BFloatInstructionSet> {
    /// Runs `count` rounds of ``LimitKernels/roundRegisterCount`` multiplications and additions of a
    /// whole register.
    ///
    /// - Returns: A number that depends on all of them.
    @inlinable
    @inline(never)
    internal static func multiplyAdds(_ count: Int, _ seeds: UnsafePointer<Float>) -> Float {
        let x = unsafe I.broadcast(seeds[0])
        let y = unsafe I.broadcast(seeds[1])
        var sums = InlineArray<12, I.Floats>(repeating: x)
        for i in 0..<12 { unsafe sums[unchecked: i] = I.broadcast(seeds[2 &+ i]) }
        var remaining = count
        while remaining > 0 {
            for i in 0..<12 {
                unsafe sums[unchecked: i] = I.multiplyAdd(x, sums[unchecked: i], y)
            }
            remaining &-= 1
        }
        return total(sums)
    }

    /// The same with the products of four bytes and their sum in each lane, each register multiplied
    /// with two others, as a block of a product has it: what an instruction set without such an
    /// instruction has to do to the bytes first, it does once for both.
    @inlinable
    @inline(never)
    internal static func dotBytes(_ count: Int, _ seeds: UnsafePointer<Float>) -> Float {
        let x = unsafe I.bits(I.broadcast(seeds[0]))
        let y = unsafe I.bits(I.broadcast(seeds[1]))
        var sums = InlineArray<12, I.Floats>(repeating: I.floats(bits: x))
        for i in 0..<12 { unsafe sums[unchecked: i] = I.broadcast(seeds[2 &+ i]) }
        var remaining = count
        while remaining > 0 {
            for i in 0..<12 {
                let a = unsafe I.bits(sums[unchecked: i])
                let sum = I.dot(I.dot(x, unsigned: a, signed: y), unsigned: a, signed: x)
                unsafe sums[unchecked: i] = I.floats(bits: sum)
            }
            remaining &-= 1
        }
        return total(sums)
    }

    /// The same with the products of two bfloat16 and their sum in each lane, as of bytes.
    @inlinable
    @inline(never)
    internal static func dotBFloats(_ count: Int, _ seeds: UnsafePointer<Float>) -> Float {
        let x = unsafe I.broadcast(seeds[0])
        let z = I.bits(x)
        let y = unsafe I.bits(I.broadcast(seeds[1]))
        var sums = InlineArray<12, I.Floats>(repeating: x)
        for i in 0..<12 { unsafe sums[unchecked: i] = I.broadcast(seeds[2 &+ i]) }
        var remaining = count
        while remaining > 0 {
            for i in 0..<12 {
                let a = unsafe I.bits(sums[unchecked: i])
                unsafe sums[unchecked: i] = I.dot(bfloats: I.dot(bfloats: x, a, y), a, z)
            }
            remaining &-= 1
        }
        return total(sums)
    }

    @inlinable
    @inline(__always)
    internal static func total(_ sums: InlineArray<12, I.Floats>) -> Float {
        var total = unsafe sums[unchecked: 0]
        for i in 1..<12 { total = unsafe I.add(total, sums[unchecked: i]) }
        return I.sum(total)
    }

    /// Reads `count` floats once, from the first to the last, eight registers at a time; what is left
    /// of them is not read.
    ///
    /// - Returns: Their sum.
    @inlinable
    @inline(never)
    internal static func read(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
        let lanes = I.laneCount
        var sums = InlineArray<12, I.Floats>(repeating: I.broadcast(Float(0)))
        var i = 0
        while count &- i >= 8 &* lanes {
            for r in 0..<8 {
                let v = unsafe I.load(x + (i &+ r &* lanes))
                unsafe sums[unchecked: r] = I.add(sums[unchecked: r], v)
            }
            i &+= 8 &* lanes
        }
        return total(sums)
    }
}

/// What the machine can do at best with one instruction set.
@usableFromInline @safe package struct LimitKernels: Sendable {
    /// The registers that one round works on: each is multiplied once, or twice as bytes and bfloat16.
    @usableFromInline package static var roundRegisterCount: Int { 12 }
    /// How many floats the arithmetic wants as seeds.
    @usableFromInline package static var seedCount: Int { 14 }

    /// (rounds, seeds) of one product in each lane; see ``LimitKernel``.
    @usableFromInline package let multiplyAdds: @Sendable (Int, UnsafePointer<Float>) -> Float
    /// (rounds, seeds) of twice four products in each lane; see ``LimitKernel``.
    @usableFromInline package let dotBytes: @Sendable (Int, UnsafePointer<Float>) -> Float
    /// (rounds, seeds) of twice two products in each lane; see ``LimitKernel``.
    @usableFromInline package let dotBFloats: @Sendable (Int, UnsafePointer<Float>) -> Float
    /// (x, count); see ``LimitKernel``.
    @usableFromInline package let read: @Sendable (UnsafePointer<Float>, Int) -> Float

    /// Instantiates the loops for an instruction set.
    @inlinable
    @inline(__always)
    internal init<I: BFloatInstructionSet>(_ instructionSet: I.Type) {
        unsafe multiplyAdds = { unsafe LimitKernel<I>.multiplyAdds($0, $1) }
        unsafe dotBytes = { unsafe LimitKernel<I>.dotBytes($0, $1) }
        unsafe dotBFloats = { unsafe LimitKernel<I>.dotBFloats($0, $1) }
        unsafe read = { unsafe LimitKernel<I>.read($0, $1) }
    }
}
