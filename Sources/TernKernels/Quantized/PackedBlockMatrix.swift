package import TernMicrokernels
internal import TernTensor

/// Weights in blocks of 32, reordered once so that microkernels stream them; see ``BlockTile`` for the
/// layout.
///
/// Longer blocks are cut into blocks of 32 with the same scale. Immutable once made, and shared by any
/// number of threads.
@safe package final class PackedBlockMatrix: Sendable {
    /// K.
    package let rowCount: Int
    /// N.
    package let columnCount: Int
    /// The columns of one panel; the kernels of another instruction set may want another width.
    package let panelWidth: Int
    /// The bits of a code: 4 or 8.
    package let bitCount: Int
    /// Whether each block has a zero point.
    package let hasZeroPoints: Bool
    private let storage: AlignedBuffer

    /// Packs weights for the kernels that will read them.
    package init(_ weights: BlockQuantizedWeights, table: KernelTable = .current) {
        rowCount = weights.rowCount
        columnCount = weights.columnCount
        bitCount = weights.bitCount
        hasZeroPoints = weights.zeroPoints != nil
        let width = table.panelWidth
        panelWidth = width
        let blockCount = (weights.rowCount + 31) / 32
        let blockByteCount = Self.blockByteCount(
            width: width,
            bitCount: weights.bitCount,
            hasZeroPoints: hasZeroPoints
        )
        let panelCount = (columnCount + width - 1) / width
        storage = AlignedBuffer(byteCount: panelCount * blockCount * blockByteCount)
        for n in 0..<columnCount {
            let panel = n / width
            for block in 0..<blockCount {
                // SAFETY: the storage has this many panels and blocks, and `pack` stays in one.
                unsafe Self.pack(
                    weights,
                    block: block,
                    column: n,
                    width: width,
                    into: storage.baseAddress + (panel * blockCount + block) * blockByteCount
                )
            }
        }
    }

    /// Packs one column's part of one block.
    @unsafe private static func pack(
        _ weights: BlockQuantizedWeights,
        block: Int,
        column n: Int,
        width: Int,
        into target: UnsafeMutableRawPointer
    ) {
        let bytes = unsafe target.assumingMemoryBound(to: UInt8.self)
        let lanes = width / 2
        let lane = n % width
        for i in 0..<Swift.min(32, weights.rowCount - block * 32) {
            let code = weights.code(block * 32 + i, n)
            if weights.bitCount == 8 {
                unsafe bytes[i / 4 * 4 * width + 4 * lane + i % 4] = code
            } else {
                let place = i / 4 * 4 * lanes + 4 * (lane % lanes) + i % 4
                unsafe bytes[place] |= lane < lanes ? code : code << 4
            }
        }
        let original = block * 32 / weights.blockSize
        let scales = unsafe (target + 4 * width * weights.bitCount)
            .assumingMemoryBound(to: Float.self)
        unsafe scales[lane] = weights.scales[n * weights.blockCount + original]
        guard weights.zeroPoints != nil else { return }
        let zeros = unsafe UnsafeMutableRawPointer(scales + width)
            .assumingMemoryBound(to: UInt16.self)
        unsafe zeros[lane] = UInt16(weights.zeroPoint(original, n))
    }

    private static func blockByteCount(width: Int, bitCount: Int, hasZeroPoints: Bool) -> Int {
        4 * width * bitCount + 4 * width + (hasZeroPoints ? 2 * width : 0)
    }

    /// How many bytes the panels take.
    package var byteCount: Int { storage.byteCount }

    /// The blocks of one column.
    internal var blockCount: Int { (rowCount + 31) / 32 }

    /// The bytes of one panel.
    internal var panelByteCount: Int {
        blockCount
            * Self.blockByteCount(
                width: panelWidth,
                bitCount: bitCount,
                hasZeroPoints: hasZeroPoints
            )
    }

    /// The first panel.
    @unsafe internal var panels: UnsafeRawPointer { unsafe UnsafeRawPointer(storage.baseAddress) }
}
