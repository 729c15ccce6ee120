/// One block of a panel of weights, unpacked into registers.
///
/// Eight groups of four codes for each of two registers of columns; see ``BlockTile``.
@usableFromInline
internal struct BlockWeights<I: BFloatInstructionSet> {
    @usableFromInline internal var l0: I.Integers
    @usableFromInline internal var r0: I.Integers
    @usableFromInline internal var l1: I.Integers
    @usableFromInline internal var r1: I.Integers
    @usableFromInline internal var l2: I.Integers
    @usableFromInline internal var r2: I.Integers
    @usableFromInline internal var l3: I.Integers
    @usableFromInline internal var r3: I.Integers
    @usableFromInline internal var l4: I.Integers
    @usableFromInline internal var r4: I.Integers
    @usableFromInline internal var l5: I.Integers
    @usableFromInline internal var r5: I.Integers
    @usableFromInline internal var l6: I.Integers
    @usableFromInline internal var r6: I.Integers
    @usableFromInline internal var l7: I.Integers
    @usableFromInline internal var r7: I.Integers

    /// Unpacks two codes from each byte.
    @inlinable
    @inline(__always)
    internal init(nibbles b: UnsafePointer<Int32>) {
        let mask = I.broadcast(Int32(0x0f0f_0f0f))
        let x0 = unsafe I.load(b + 0 &* I.laneCount)
        l0 = I.and(x0, mask)
        r0 = I.and(I.shiftRightZero(x0, by: 4), mask)
        let x1 = unsafe I.load(b + 1 &* I.laneCount)
        l1 = I.and(x1, mask)
        r1 = I.and(I.shiftRightZero(x1, by: 4), mask)
        let x2 = unsafe I.load(b + 2 &* I.laneCount)
        l2 = I.and(x2, mask)
        r2 = I.and(I.shiftRightZero(x2, by: 4), mask)
        let x3 = unsafe I.load(b + 3 &* I.laneCount)
        l3 = I.and(x3, mask)
        r3 = I.and(I.shiftRightZero(x3, by: 4), mask)
        let x4 = unsafe I.load(b + 4 &* I.laneCount)
        l4 = I.and(x4, mask)
        r4 = I.and(I.shiftRightZero(x4, by: 4), mask)
        let x5 = unsafe I.load(b + 5 &* I.laneCount)
        l5 = I.and(x5, mask)
        r5 = I.and(I.shiftRightZero(x5, by: 4), mask)
        let x6 = unsafe I.load(b + 6 &* I.laneCount)
        l6 = I.and(x6, mask)
        r6 = I.and(I.shiftRightZero(x6, by: 4), mask)
        let x7 = unsafe I.load(b + 7 &* I.laneCount)
        l7 = I.and(x7, mask)
        r7 = I.and(I.shiftRightZero(x7, by: 4), mask)
    }

    /// Takes one code from each byte.
    @inlinable
    @inline(__always)
    internal init(bytes b: UnsafePointer<Int32>) {
        unsafe l0 = I.load(b + 0 &* I.laneCount)
        unsafe r0 = I.load(b + 1 &* I.laneCount)
        unsafe l1 = I.load(b + 2 &* I.laneCount)
        unsafe r1 = I.load(b + 3 &* I.laneCount)
        unsafe l2 = I.load(b + 4 &* I.laneCount)
        unsafe r2 = I.load(b + 5 &* I.laneCount)
        unsafe l3 = I.load(b + 6 &* I.laneCount)
        unsafe r3 = I.load(b + 7 &* I.laneCount)
        unsafe l4 = I.load(b + 8 &* I.laneCount)
        unsafe r4 = I.load(b + 9 &* I.laneCount)
        unsafe l5 = I.load(b + 10 &* I.laneCount)
        unsafe r5 = I.load(b + 11 &* I.laneCount)
        unsafe l6 = I.load(b + 12 &* I.laneCount)
        unsafe r6 = I.load(b + 13 &* I.laneCount)
        unsafe l7 = I.load(b + 14 &* I.laneCount)
        unsafe r7 = I.load(b + 15 &* I.laneCount)
    }

    /// Adds Σ q·w of one row's block to sums for both registers of columns.
    @inlinable
    @inline(__always)
    internal func dot(
        _ a: UnsafePointer<Int32>,
        _ left: inout I.Integers,
        _ right: inout I.Integers
    ) {
        let a0 = unsafe I.broadcast(a[0])
        left = I.dot(left, unsigned: l0, signed: a0)
        right = I.dot(right, unsigned: r0, signed: a0)
        let a1 = unsafe I.broadcast(a[1])
        left = I.dot(left, unsigned: l1, signed: a1)
        right = I.dot(right, unsigned: r1, signed: a1)
        let a2 = unsafe I.broadcast(a[2])
        left = I.dot(left, unsigned: l2, signed: a2)
        right = I.dot(right, unsigned: r2, signed: a2)
        let a3 = unsafe I.broadcast(a[3])
        left = I.dot(left, unsigned: l3, signed: a3)
        right = I.dot(right, unsigned: r3, signed: a3)
        let a4 = unsafe I.broadcast(a[4])
        left = I.dot(left, unsigned: l4, signed: a4)
        right = I.dot(right, unsigned: r4, signed: a4)
        let a5 = unsafe I.broadcast(a[5])
        left = I.dot(left, unsigned: l5, signed: a5)
        right = I.dot(right, unsigned: r5, signed: a5)
        let a6 = unsafe I.broadcast(a[6])
        left = I.dot(left, unsigned: l6, signed: a6)
        right = I.dot(right, unsigned: r6, signed: a6)
        let a7 = unsafe I.broadcast(a[7])
        left = I.dot(left, unsigned: l7, signed: a7)
        right = I.dot(right, unsigned: r7, signed: a7)
    }
}
