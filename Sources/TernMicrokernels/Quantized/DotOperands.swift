/// A product of a plain A with packed panels of B, both in groups of four bytes along K.
///
/// A is row-major. A panel of B holds, group after group, one group for each of its columns: as many
/// columns as two registers have lanes. The last group of a panel is filled up with zeros, that of A
/// need not exist: of it only the bytes that belong to A are read.
@usableFromInline @safe package struct DotOperands {
    @usableFromInline package var a: UnsafeRawPointer
    /// The bytes between rows of A.
    @usableFromInline package var aRowStride: Int
    @usableFromInline package var b: UnsafeRawPointer
    /// The bytes between panels of B.
    @usableFromInline package var bPanelStride: Int
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    /// The bytes of one row of A that take part.
    @usableFromInline package var rowByteCount: Int
    /// Where sums go that need no finish: C itself, in place of a block that is finished afterwards.
    @usableFromInline package var direct: UnsafeMutablePointer<Float>?
    /// The elements between rows of it.
    @usableFromInline package var directStride: Int
    /// What the sums of each column start at, divided by ``startFactor``.
    ///
    /// As many as the panels have columns, those that fill up the last included; without, sums start at 0.
    @usableFromInline package var starts: UnsafePointer<Int32>?
    /// The factor of ``starts``.
    @usableFromInline package var startFactor: Int32

    /// Describes a product.
    @unsafe package init(
        a: UnsafeRawPointer,
        aRowStride: Int,
        b: UnsafeRawPointer,
        bPanelStride: Int,
        rowCount: Int,
        columnCount: Int,
        rowByteCount: Int
    ) {
        unsafe self.a = a
        self.aRowStride = aRowStride
        unsafe self.b = b
        self.bPanelStride = bPanelStride
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.rowByteCount = rowByteCount
        unsafe direct = nil
        directStride = 0
        unsafe starts = nil
        startFactor = 0
    }

    /// The first `count` bytes, 1...3, as a group filled up with zeros.
    @inlinable
    @inline(__always)
    internal static func partialGroup(_ p: UnsafeRawPointer, _ count: Int) -> Int32 {
        var word = unsafe UInt32(p.loadUnaligned(as: UInt8.self))
        if count > 1 {
            word |= unsafe UInt32((p + 1).loadUnaligned(as: UInt8.self)) &<< 8
        }
        if count > 2 {
            word |= unsafe UInt32((p + 2).loadUnaligned(as: UInt8.self)) &<< 16
        }
        return Int32(bitPattern: word)
    }

    /// A whole group.
    @inlinable
    @inline(__always)
    internal static func group(_ p: UnsafeRawPointer) -> Int32 {
        unsafe p.loadUnaligned(as: Int32.self)
    }
}
