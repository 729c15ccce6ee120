internal import TernMicrokernels

/// What one thread needs for a piece of ``Attention``, in bytes of its scratch memory.
internal struct AttentionScratch: Sendable {
    /// The most keys of a block, in whole panels.
    internal let keyCount: Int
    /// The distance between rows of scores; a little more than the keys, so that rows don't meet in
    /// the same lines of the cache.
    internal let scoreStride: Int
    internal let rowCount: Int
    internal let keyFloats: Int
    /// 0 if V is read where it is.
    internal let valueFloats: Int

    internal init(_ attention: Attention, _ table: KernelTable) {
        let width = table.panelWidth
        let keys = Swift.min(attention.keyCount, Attention.keyBlockCount)
        keyCount = (keys + width - 1) / width * width
        scoreStride = keyCount + 16
        rowCount = attention.queryBlockHeight
        keyFloats = keyCount * attention.size
        let isWhole = attention.valueSize % table.laneCount == 0
        let panels = (attention.valueSize + width - 1) / width
        valueFloats = isWhole ? 0 : panels * width * keys
    }

    internal var byteCount: Int {
        GEMM.alignedByteCount(floats: keyFloats) + GEMM.alignedByteCount(floats: valueFloats)
            + GEMM.alignedByteCount(floats: rowCount * scoreStride)
            + 3 * GEMM.alignedByteCount(floats: rowCount)
    }
}

/// One call of ``Attention``, as its pieces see it.
@safe internal struct AttentionWalk {
    internal let attention: Attention
    internal let layout: AttentionScratch
    internal let queries: UnsafePointer<Float>
    internal let queryStrides: Attention.Strides
    internal let keys: UnsafePointer<Float>
    internal let keyStrides: Attention.Strides
    internal let values: UnsafePointer<Float>
    internal let valueStrides: Attention.Strides
    internal let mask: AttentionMask
    internal let output: UnsafeMutablePointer<Float>
    internal let outputStrides: Attention.Strides
    internal let table: KernelTable

    /// Computes one block of queries of one head.
    @unsafe internal func run(_ piece: Int, _ scratch: UnsafeMutableRawBufferPointer) {
        let (index, block) = piece.quotientAndRemainder(dividingBy: attention.queryBlockCount)
        let (batch, head) = index.quotientAndRemainder(dividingBy: attention.headCount)
        let keyHead = head / (attention.headCount / attention.keyHeadCount)
        let firstRow = block * attention.queryBlockHeight
        let rowCount = Swift.min(attention.queryBlockHeight, attention.queryCount - firstRow)
        guard rowCount > 0 else { return }
        let a = unsafe queries + queryStrides.offset(batch, head, firstRow)
        let k = unsafe keys + keyStrides.offset(batch, keyHead, 0)
        let v = unsafe values + valueStrides.offset(batch, keyHead, 0)
        let y = unsafe output + outputStrides.offset(batch, head, firstRow)
        var memory = unsafe ScratchMemory(scratch, needed: layout.byteCount)
        let packedKeys = unsafe memory.floats(layout.keyFloats)
        let packedValues = unsafe memory.floats(layout.valueFloats)
        let scores = unsafe memory.floats(rowCount * layout.scoreStride)
        let maxima = unsafe memory.floats(rowCount)
        let sums = unsafe memory.floats(rowCount)
        let factors = unsafe memory.floats(rowCount)
        for row in 0..<rowCount {
            unsafe maxima[row] = -.infinity
            unsafe sums[row] = 0
        }
        var key = 0
        while key < attention.keyCount {
            // Keys of the block that the first query sees; the last one sees the most.
            let visible = firstRow + attention.pastCount + 1 - key
            if attention.isCausal, visible + rowCount - 1 <= 0 { break }
            let count = Swift.min(Attention.keyBlockCount, attention.keyCount - key)
            unsafe transposeKeys(k + key * keyStrides.row, count, into: packedKeys)
            var product = unsafe GEMMTile(
                a: a,
                aRowStride: queryStrides.row,
                b: UnsafePointer(packedKeys),
                bRowStride: table.panelWidth,
                bPanelStride: attention.size * table.panelWidth,
                c: scores,
                cRowStride: layout.scoreStride,
                rowCount: rowCount,
                columnCount: count,
                depth: attention.size
            )
            product.alpha = attention.scale
            table.gemm(product)
            var weights = unsafe AttentionBlock(
                scores: scores,
                scoreStride: layout.scoreStride,
                rowCount: rowCount,
                keyCount: count,
                maxima: maxima,
                sums: sums,
                factors: factors
            )
            if attention.isCausal {
                weights.visibleKeyCount = visible
                weights.isCausal = true
            }
            let offset = mask.strides.offset(batch, head, firstRow) + key
            unsafe weights.bias = mask.bias.map { unsafe $0 + offset }
            unsafe weights.isKept = mask.isKept.map { unsafe $0 + offset }
            weights.maskStride = mask.strides.row
            table.attention.weigh(weights)
            if key > 0 {
                let own = unsafe UnsafePointer(factors)
                unsafe table.attention.rescale(
                    y,
                    outputStrides.row,
                    rowCount,
                    attention.valueSize,
                    own
                )
            }
            unsafe addValues(
                v + key * valueStrides.row,
                count,
                packedValues,
                scores,
                rowCount,
                to: y,
                continues: key > 0
            )
            key += count
        }
        unsafe table.attention.finish(
            y,
            outputStrides.row,
            rowCount,
            attention.valueSize,
            UnsafePointer(sums)
        )
    }

    /// Puts a block of K into panels: Kᵀ.
    @unsafe private func transposeKeys(
        _ keys: UnsafePointer<Float>,
        _ count: Int,
        into panels: UnsafeMutablePointer<Float>
    ) {
        let width = table.panelWidth
        var key = 0
        while key < count {
            // Columns that no key fills are computed and not stored.
            unsafe table.rows.transpose(
                keys + key * keyStrides.row,
                keyStrides.row,
                Swift.min(width, count - key),
                attention.size,
                panels + key * attention.size,
                width
            )
            key += width
        }
    }

    /// Adds the product of a block of weights and V.
    @unsafe private func addValues(
        _ values: UnsafePointer<Float>,
        _ count: Int,
        _ packed: UnsafeMutablePointer<Float>,
        _ weights: UnsafePointer<Float>,
        _ rowCount: Int,
        to y: UnsafeMutablePointer<Float>,
        continues: Bool
    ) {
        let width = table.panelWidth
        let isPacked = layout.valueFloats > 0
        if isPacked {
            unsafe Panels.pack(
                MatrixView(values, rowStride: valueStrides.row),
                panels: 0..<Panels.count(columnCount: attention.valueSize, table: table),
                depth: count,
                columnCount: attention.valueSize,
                scale: 1,
                into: packed,
                table: table
            )
        }
        var product = unsafe GEMMTile(
            a: weights,
            aRowStride: layout.scoreStride,
            b: isPacked ? UnsafePointer(packed) : values,
            bRowStride: isPacked ? width : valueStrides.row,
            bPanelStride: isPacked ? count * width : width,
            c: y,
            cRowStride: outputStrides.row,
            rowCount: rowCount,
            columnCount: attention.valueSize,
            depth: count
        )
        product.continues = continues
        table.gemm(product)
    }
}
