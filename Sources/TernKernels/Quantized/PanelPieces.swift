/// How a product of rows with panels is cut into pieces for threads and caches: bands of rows times
/// groups of panels, never along K.
internal struct PanelPieces {
    /// The most rows of one band.
    internal static let bandRowLimit = 96
    /// The bytes of panels that a piece reads again for each block of rows: a quarter of a usual L2
    /// cache.
    private static let groupByteCount = 256 << 10

    private let rowCount: Int
    private let panelCount: Int
    private let bandHeight: Int
    private let bandCount: Int
    private let groupSize: Int
    /// How many pieces there are.
    internal let count: Int

    /// Cuts a product.
    ///
    /// - Parameters:
    ///   - rowCount: M, at least 1.
    ///   - panelCount: The panels of B, at least 1.
    ///   - blockRowCount: The rows that a microkernel takes at once.
    ///   - panelByteCount: The bytes of a panel.
    ///   - width: How many threads may take part.
    internal init(
        rowCount: Int,
        panelCount: Int,
        blockRowCount: Int,
        panelByteCount: Int,
        width: Int
    ) {
        self.rowCount = rowCount
        self.panelCount = panelCount
        // Bands of about the same height, in whole blocks.
        let fewest = (rowCount + Self.bandRowLimit - 1) / Self.bandRowLimit
        let even = (rowCount + fewest - 1) / fewest
        bandHeight = Swift.min(
            (even + blockRowCount - 1) / blockRowCount * blockRowCount,
            Self.bandRowLimit
        )
        bandCount = (rowCount + bandHeight - 1) / bandHeight
        // A single row takes panels by fours.
        var group = Swift.max(4, Self.groupByteCount / Swift.max(panelByteCount, 1) / 4 * 4)
        if rowCount > 1, panelByteCount * 4 > Self.groupByteCount {
            group = Swift.max(1, Self.groupByteCount / panelByteCount)
        }
        if width > 1 {
            // Some pieces for each thread, so that an unequal start evens out.
            let share = Swift.max(1, panelCount * bandCount / (4 * width))
            group = Swift.min(group, rowCount == 1 ? (share + 3) / 4 * 4 : share)
        }
        groupSize = group
        count = (panelCount + group - 1) / group * bandCount
    }

    /// The rows of a piece.
    internal func rows(_ piece: Int) -> Range<Int> {
        let row = piece % bandCount * bandHeight
        return row..<Swift.min(row + bandHeight, rowCount)
    }

    /// The panels of a piece.
    internal func panels(_ piece: Int) -> Range<Int> {
        let panel = piece / bandCount * groupSize
        return panel..<Swift.min(panel + groupSize, panelCount)
    }
}
