internal import TernMicrokernels

/// Matrix products of 8-bit integers: acc [M, N] = (A [M, K] - zero)·(B [K, N] - zero).
///
/// Sums are 32 bits wide and exact modulo 2³², on every instruction set, for every mixture of signed and
/// unsigned bytes; they cannot overflow for K up to 33 000. So they have the same bits whatever the
/// batch and the number of threads; what is made of them afterwards depends on the element alone. With
/// K = 0 the sums are 0. M or N = 0 does nothing. C may not overlap A or B. Nothing is allocated.
package enum IntegerGEMM {
    /// Stores the sums.
    ///
    /// - Parameters:
    ///   - a: A, not transposed; zero points are per row.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: ByteMatrix,
        rowCount: Int,
        by b: PackedIntegerMatrix,
        into c: UnsafeMutablePointer<Int32>,
        rowStride cRowStride: Int,
        context: KernelContext
    ) {
        unsafe IntegerDriver.run(
            a,
            rowCount: rowCount,
            by: b.panels,
            into: c,
            rowStride: cRowStride,
            as: .integers,
            context: context
        )
    }

    /// Scales the sums to floats.
    ///
    /// - Parameters:
    ///   - a: A, not transposed; zero points are per row.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - scaling: Scales, bias, activation.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: ByteMatrix,
        rowCount: Int,
        by b: PackedIntegerMatrix,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        scaling: IntegerScaling,
        context: KernelContext
    ) {
        unsafe IntegerDriver.run(
            a,
            rowCount: rowCount,
            by: b.panels,
            into: c,
            rowStride: cRowStride,
            as: .floats(scaling),
            context: context
        )
    }

    /// Scales the sums and rounds them to bytes again: `saturate(roundToEven(v) + zeroPoint)`.
    ///
    /// A `v` that is NaN becomes the least byte.
    ///
    /// - Parameters:
    ///   - a: A, not transposed; zero points are per row.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major, bytes.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - scaling: Scales, in units of C's scale; bias; an activation that is a bound.
    ///   - zeroPoint: The byte of C that means zero.
    ///   - isSigned: Whether C's bytes are signed.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: ByteMatrix,
        rowCount: Int,
        by b: PackedIntegerMatrix,
        intoBytes c: UnsafeMutableRawPointer,
        rowStride cRowStride: Int,
        scaling: IntegerScaling,
        zeroPoint: Int32,
        isSigned: Bool,
        context: KernelContext
    ) {
        unsafe IntegerDriver.run(
            a,
            rowCount: rowCount,
            by: b.panels,
            into: c,
            rowStride: cRowStride,
            as: .bytes(scaling, zeroPoint: zeroPoint, isSigned: isSigned),
            context: context
        )
    }

    /// How much scratch memory a product with a B that is not known beforehand needs, in bytes.
    package static func scratchByteCount(
        columnCount: Int,
        depth: Int,
        context: KernelContext
    ) -> Int {
        IntegerPanels.byteCount(depth: depth, columnCount: columnCount, table: context.table)
    }

    /// Stores the sums of a product of two matrices neither of which is known beforehand.
    ///
    /// - Parameters:
    ///   - a: A, not transposed; zero points are per row.
    ///   - b: B; zero points are per column.
    ///   - rowCount: M.
    ///   - columnCount: N.
    ///   - depth: K.
    ///   - c: C, row-major.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - scratch: As many bytes as ``scratchByteCount(columnCount:depth:context:)`` says, 64-byte
    ///     aligned; its contents are lost.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: ByteMatrix,
        by b: ByteMatrix,
        rowCount: Int,
        columnCount: Int,
        depth: Int,
        into c: UnsafeMutablePointer<Int32>,
        rowStride cRowStride: Int,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        guard rowCount > 0, columnCount > 0 else { return }
        let needed = scratchByteCount(columnCount: columnCount, depth: depth, context: context)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let panels = unsafe IntegerPanels(
            b,
            depth: depth,
            columnCount: columnCount,
            into: memory.bytes(needed),
            context: context
        )
        unsafe IntegerDriver.run(
            a,
            rowCount: rowCount,
            by: panels,
            into: c,
            rowStride: cRowStride,
            as: .integers,
            context: context
        )
    }

    /// The same, rounded to bytes.
    ///
    /// - Parameters:
    ///   - a: A, not transposed; zero points are per row.
    ///   - b: B; zero points are per column.
    ///   - rowCount: M.
    ///   - columnCount: N.
    ///   - depth: K.
    ///   - c: C, row-major, bytes.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - scaling: Scales, in units of C's scale; bias; an activation that is a bound.
    ///   - zeroPoint: The byte of C that means zero.
    ///   - isSigned: Whether C's bytes are signed.
    ///   - scratch: As many bytes as ``scratchByteCount(columnCount:depth:context:)`` says, 64-byte
    ///     aligned; its contents are lost.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: ByteMatrix,
        by b: ByteMatrix,
        rowCount: Int,
        columnCount: Int,
        depth: Int,
        intoBytes c: UnsafeMutableRawPointer,
        rowStride cRowStride: Int,
        scaling: IntegerScaling,
        zeroPoint: Int32,
        isSigned: Bool,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        guard rowCount > 0, columnCount > 0 else { return }
        let needed = scratchByteCount(columnCount: columnCount, depth: depth, context: context)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let panels = unsafe IntegerPanels(
            b,
            depth: depth,
            columnCount: columnCount,
            into: memory.bytes(needed),
            context: context
        )
        unsafe IntegerDriver.run(
            a,
            rowCount: rowCount,
            by: panels,
            into: c,
            rowStride: cRowStride,
            as: .bytes(scaling, zeroPoint: zeroPoint, isSigned: isSigned),
            context: context
        )
    }
}
