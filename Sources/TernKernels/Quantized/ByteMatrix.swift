/// A row-major matrix of 8-bit integers in memory, signed or not, with what stands for zero in it.
@safe package struct ByteMatrix {
    /// The first element.
    package let elements: UnsafeRawPointer
    /// The distance between rows as stored, in elements.
    package let rowStride: Int
    /// Whether an element is -128...127 rather than 0...255.
    package let isSigned: Bool
    /// Whether the matrix meant is the transpose of what is stored.
    package let isTransposed: Bool
    /// Which number means zero, everywhere.
    package var zeroPoint: Int32
    /// Which number means zero, per row of a left-hand side, per column of a right-hand side; read
    /// instead of ``zeroPoint`` if there are any.
    package var zeroPoints: UnsafePointer<Int32>?

    /// Describes a matrix.
    @unsafe package init(
        _ elements: UnsafeRawPointer,
        rowStride: Int,
        isSigned: Bool,
        isTransposed: Bool = false,
        zeroPoint: Int32 = 0,
        zeroPoints: UnsafePointer<Int32>? = nil
    ) {
        unsafe self.elements = elements
        self.rowStride = rowStride
        self.isSigned = isSigned
        self.isTransposed = isTransposed
        self.zeroPoint = zeroPoint
        unsafe self.zeroPoints = zeroPoints
    }
}
