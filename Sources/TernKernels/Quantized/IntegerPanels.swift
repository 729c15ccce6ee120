internal import TernMicrokernels
internal import TernTensor

/// Where a right-hand side of bytes lies once it is packed, and what a product needs to know of it.
///
/// The panels first, then Σ b of each column, then, if there are any, the zero points of the columns,
/// both filled up to whole panels. Whoever gave the memory keeps it.
@safe internal struct IntegerPanels {
    internal let depth: Int
    internal let columnCount: Int
    internal let panelWidth: Int
    internal let panels: UnsafePointer<UInt8>
    internal let columnSums: UnsafePointer<Int32>
    internal let columnZeros: UnsafePointer<Int32>?

    /// The bytes of one panel.
    internal var panelByteCount: Int { Self.panelByteCount(depth: depth, width: panelWidth) }

    internal static func panelByteCount(depth: Int, width: Int) -> Int {
        (depth + 3) / 4 * 4 * width
    }

    /// The memory that packing takes, zero points included.
    internal static func byteCount(depth: Int, columnCount: Int, table: KernelTable) -> Int {
        let width = table.panelWidth
        let panelCount = (columnCount + width - 1) / width
        let numbers = 2 * panelCount * width * MemoryLayout<Int32>.stride
        return panelCount * panelByteCount(depth: depth, width: width) + numbers
    }

    /// Packs B [K, N] into `memory`, which has ``byteCount(depth:columnCount:table:)`` bytes and starts
    /// on a cache line.
    ///
    /// - Parameters:
    ///   - b: The bytes and zero points.
    ///   - depth: K.
    ///   - columnCount: N.
    ///   - memory: Where the panels go.
    ///   - context: Where to run.
    @unsafe internal init(
        _ b: ByteMatrix,
        depth: Int,
        columnCount: Int,
        into memory: UnsafeMutableRawPointer,
        context: KernelContext
    ) {
        precondition(depth >= 0 && columnCount >= 0, "a matrix cannot have a negative size")
        precondition(
            b.rowStride >= (b.isTransposed ? depth : columnCount),
            "the rows of a matrix to be packed overlap"
        )
        let width = context.table.panelWidth
        let panelCount = (columnCount + width - 1) / width
        let panelByteCount = Self.panelByteCount(depth: depth, width: width)
        let panels = unsafe memory.assumingMemoryBound(to: UInt8.self)
        let sums = unsafe (memory + panelCount * panelByteCount)
            .assumingMemoryBound(to: Int32.self)
        let source = unsafe b.elements.assumingMemoryBound(to: UInt8.self)
        let depthStride = b.isTransposed ? 1 : b.rowStride
        let columnStride = b.isTransposed ? b.rowStride : 1
        let pack = unsafe context.table.quantized.packBytes
        context.forEach(
            panelCount,
            grain: KernelContext.grain(nanosecondsPerPiece: Double(panelByteCount)),
            nanosecondsPerPiece: Double(panelByteCount)
        ) { range in
            for panel in range {
                let column = panel * width
                unsafe pack(
                    source + column * columnStride,
                    depthStride,
                    columnStride,
                    depth,
                    Swift.min(width, columnCount - column),
                    b.isSigned ? 0 : 0x80,
                    panels + panel * panelByteCount,
                    sums + column
                )
            }
        }
        self.depth = depth
        self.columnCount = columnCount
        panelWidth = width
        unsafe self.panels = UnsafePointer(panels)
        unsafe columnSums = UnsafePointer(sums)
        unsafe columnZeros = Self.zeros(
            b,
            columnCount: columnCount,
            into: sums + panelCount * width
        )
    }

    /// Finds what was packed before into `memory`, which has ``byteCount(depth:columnCount:table:)``
    /// bytes and starts on a cache line.
    @unsafe internal init(
        packed memory: UnsafeMutableRawPointer,
        depth: Int,
        columnCount: Int,
        table: KernelTable
    ) {
        precondition(depth >= 0 && columnCount >= 0, "a matrix cannot have a negative size")
        let width = table.panelWidth
        let panelCount = (columnCount + width - 1) / width
        let panelByteCount = Self.panelByteCount(depth: depth, width: width)
        self.depth = depth
        self.columnCount = columnCount
        panelWidth = width
        unsafe panels = UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
        let sums = unsafe (memory + panelCount * panelByteCount)
            .assumingMemoryBound(to: Int32.self)
        unsafe columnSums = UnsafePointer(sums)
        let zeros = unsafe sums + panelCount * width
        let isZero = (0..<columnCount).allSatisfy { unsafe zeros[$0] == 0 }
        unsafe columnZeros = isZero ? nil : UnsafePointer(zeros)
    }

    /// The zero points as the bytes are multiplied: signed.
    @unsafe private static func zeros(
        _ b: ByteMatrix,
        columnCount: Int,
        into target: UnsafeMutablePointer<Int32>
    ) -> UnsafePointer<Int32>? {
        let shift: Int32 = b.isSigned ? 0 : 128
        var isZero = true
        for n in 0..<columnCount {
            let zero = unsafe (b.zeroPoints.map { unsafe $0[n] } ?? b.zeroPoint) - shift
            unsafe target[n] = zero
            isZero = isZero && zero == 0
        }
        return isZero ? nil : unsafe UnsafePointer(target)
    }
}
