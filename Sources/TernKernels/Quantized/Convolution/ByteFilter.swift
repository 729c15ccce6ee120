package import TernMicrokernels
package import TernTensor

/// The filters of a convolution of bytes as a model gives them: W [M, C/group, kH, kW], dense.
@safe package struct ByteFilter {
    /// The first byte.
    package let elements: UnsafeRawPointer
    /// Whether a byte is -128...127 rather than 0...255.
    package let isSigned: Bool
    /// Which number means zero, everywhere.
    package let zeroPoint: Int32
    /// Which number means zero in each of the M filters; read instead of ``zeroPoint`` if there are any.
    package let zeroPoints: UnsafePointer<Int32>?

    /// Describes filters.
    @unsafe package init(
        _ elements: UnsafeRawPointer,
        isSigned: Bool,
        zeroPoint: Int32 = 0,
        zeroPoints: UnsafePointer<Int32>? = nil
    ) {
        unsafe self.elements = elements
        self.isSigned = isSigned
        self.zeroPoint = zeroPoint
        unsafe self.zeroPoints = zeroPoints
    }
}

/// The filters of a convolution of bytes, reordered once so that microkernels stream them.
///
/// Filters packed for one image size serve every other, and every stride. Immutable once made, and
/// shared by any number of threads.
@safe package final class PackedByteFilter: PackedWeights {
    package static let kind = "byte filter"

    private let storage: AlignedBuffer
    // SAFETY: the pointers lead into `storage`, which nobody writes after `init`.
    nonisolated(unsafe) internal let panels: QuadPanels

    /// Packs filters.
    ///
    /// - Parameters:
    ///   - filter: The bytes and zero points, read once.
    ///   - convolution: What they are filters of.
    ///   - table: The kernels that will read it.
    ///   - memory: Where the filters go, or lie already.
    @unsafe package init(
        _ filter: ByteFilter,
        for convolution: Convolution,
        table: KernelTable = .current,
        memory: PanelMemory = PanelMemory()
    ) {
        let isPacked: Bool
        (storage, isPacked) = memory.next(
            byteCount: QuadPanels.byteCount(convolution, table: table)
        )
        if isPacked {
            unsafe panels = QuadPanels(
                packed: storage.baseAddress,
                for: convolution,
                table: table
            )
            return
        }
        unsafe panels = QuadPanels(
            filter,
            for: convolution,
            table: table,
            into: storage.baseAddress
        )
    }

    /// How many bytes the filters take, with their sums and zero points.
    package var byteCount: Int { storage.byteCount }

    /// The filters, as they can be lent.
    package var panelMemory: [AlignedBuffer] { [storage] }
}

/// Where packed filters lie, and what a convolution needs to know of them.
///
/// For each group its blocks of quads as a ``QuadTile`` takes them, or for each register of channels
/// their quads as a ``QuadLaneTile`` does; then, for each group, the sum of
/// each filter's bytes as they are multiplied and its zero point, both filled up to whole blocks; then the
/// quads that pick the bytes that belong to a filter. Whoever gave the memory keeps it.
@safe internal struct QuadPanels {
    /// M, C / group and the filters' size.
    internal let shape: [4 of Int]
    internal let groupCount: Int
    /// The filters of a group.
    internal let filterCount: Int
    /// Whether the layout is that of a ``QuadLaneTile``.
    internal let isByLanes: Bool
    internal let stepCount: Int
    /// The filters of a group, those that fill up the last block included.
    internal let paddedCount: Int
    internal let weights: UnsafePointer<Int32>
    internal let sums: UnsafePointer<Int32>
    internal let zeros: UnsafePointer<Int32>?
    internal let ones: UnsafePointer<Int32>

    /// The quads, sums, zero points and picks, each in whole cache lines.
    private struct Sizes {
        let weights: Int
        let numbers: Int
        let ones: Int

        init(_ geometry: QuadGeometry, groups: Int, table: KernelTable) {
            let padded = QuadPanels.paddedCount(geometry.filterCount, table: table)
            // Whole registers, if lanes are channels.
            let lanes = table.laneCount
            let filters = (groups * padded + lanes - 1) / lanes * lanes
            // A register is read at the last quads and numbers too.
            weights = GEMM.alignedByteCount(floats: filters * geometry.stepCount + 16)
            numbers = GEMM.alignedByteCount(floats: groups * padded + 16)
            ones = GEMM.alignedByteCount(floats: geometry.stepCount)
        }

        var byteCount: Int { weights + 2 * numbers + ones }
    }

    /// The filters of a group in whole blocks.
    internal static func paddedCount(_ filterCount: Int, table: KernelTable) -> Int {
        var first = 0
        while first < filterCount { first += table.quads.blockHeight(filterCount - first) }
        return first
    }

    /// The memory that packing takes.
    internal static func byteCount(_ convolution: Convolution, table: KernelTable) -> Int {
        let geometry = QuadGeometry(convolution)
        return Sizes(geometry, groups: convolution.groupCount, table: table).byteCount
    }

    /// Packs filters into `memory`, which has ``byteCount(_:table:)`` bytes and starts on a cache line.
    @unsafe internal init(
        _ filter: ByteFilter,
        for convolution: Convolution,
        table: KernelTable,
        into memory: UnsafeMutableRawPointer
    ) {
        let geometry = QuadGeometry(convolution)
        let sizes = Sizes(geometry, groups: convolution.groupCount, table: table)
        groupCount = convolution.groupCount
        stepCount = geometry.stepCount
        paddedCount = Self.paddedCount(geometry.filterCount, table: table)
        filterCount = geometry.filterCount
        isByLanes = QuadLanePlan.suits(convolution, table)
        shape = Self.shape(convolution)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: sizes.byteCount)
        let quads = unsafe memory.assumingMemoryBound(to: UInt8.self)
        let sums = unsafe (memory + sizes.weights).assumingMemoryBound(to: Int32.self)
        let zeros = unsafe (memory + sizes.weights + sizes.numbers)
            .assumingMemoryBound(to: Int32.self)
        let ones = unsafe memory + sizes.weights + 2 * sizes.numbers
        let source = unsafe filter.elements.assumingMemoryBound(to: UInt8.self)
        let flip: UInt8 = filter.isSigned ? 0 : 0x80
        let taps = convolution.depth
        var hasZeros = false
        for group in 0..<groupCount {
            var first = 0
            while first < geometry.filterCount {
                let height = table.quads.blockHeight(geometry.filterCount - first)
                // The first filter's first quad, and from one step to the next.
                let lanes = table.laneCount
                let place =
                    isByLanes
                    ? group / lanes * lanes * stepCount + group % lanes
                    : (group * paddedCount + first) * stepCount
                let block = unsafe quads + 4 * place
                let stepByteCount = 4 * (isByLanes ? lanes : height)
                for row in 0..<Swift.min(height, geometry.filterCount - first) {
                    let index = group * geometry.filterCount + first + row
                    let bytes = unsafe source + index * taps
                    var sum: Int32 = 0
                    geometry.forEachTap { tap, step, place in
                        let byte = unsafe bytes[tap] ^ flip
                        unsafe block[step * stepByteCount + 4 * row + place] = byte
                        sum &+= Int32(Int8(bitPattern: byte))
                    }
                    let given = unsafe filter.zeroPoints.map { unsafe $0[index] }
                    let zero = (given ?? filter.zeroPoint) - (filter.isSigned ? 0 : 128)
                    unsafe sums[group * paddedCount + first + row] = sum
                    unsafe zeros[group * paddedCount + first + row] = zero
                    hasZeros = hasZeros || zero != 0
                }
                first += height
            }
        }
        geometry.forEachTap { _, step, place in
            unsafe ones.storeBytes(of: 1, toByteOffset: 4 * step + place, as: UInt8.self)
        }
        unsafe weights = UnsafeRawPointer(quads).assumingMemoryBound(to: Int32.self)
        unsafe self.sums = UnsafePointer(sums)
        unsafe self.zeros = hasZeros ? UnsafePointer(zeros) : nil
        unsafe self.ones = UnsafeRawPointer(ones).assumingMemoryBound(to: Int32.self)
    }

    /// Finds what was packed before into `memory`, which has ``byteCount(_:table:)`` bytes and starts
    /// on a cache line.
    @unsafe internal init(
        packed memory: UnsafeMutableRawPointer,
        for convolution: Convolution,
        table: KernelTable
    ) {
        let geometry = QuadGeometry(convolution)
        let sizes = Sizes(geometry, groups: convolution.groupCount, table: table)
        groupCount = convolution.groupCount
        stepCount = geometry.stepCount
        paddedCount = Self.paddedCount(geometry.filterCount, table: table)
        filterCount = geometry.filterCount
        isByLanes = QuadLanePlan.suits(convolution, table)
        shape = Self.shape(convolution)
        let numbers = unsafe memory + sizes.weights
        let zeros = unsafe UnsafeRawPointer(numbers + sizes.numbers)
            .assumingMemoryBound(to: Int32.self)
        unsafe weights = UnsafeRawPointer(memory).assumingMemoryBound(to: Int32.self)
        unsafe sums = UnsafeRawPointer(numbers).assumingMemoryBound(to: Int32.self)
        let isZero = (0..<groupCount * paddedCount).allSatisfy { unsafe zeros[$0] == 0 }
        unsafe self.zeros = isZero ? nil : zeros
        unsafe ones = UnsafeRawPointer(numbers + 2 * sizes.numbers)
            .assumingMemoryBound(to: Int32.self)
    }

    private static func shape(_ convolution: Convolution) -> [4 of Int] {
        [
            convolution.outputChannelCount,
            convolution.inputChannelCount / convolution.groupCount,
            convolution.window.kernel.height, convolution.window.kernel.width,
        ]
    }

    /// Whether these are filters of a convolution.
    internal func fit(_ convolution: Convolution, _ table: KernelTable) -> Bool {
        let other = Self.shape(convolution)
        return groupCount == convolution.groupCount
            && isByLanes == QuadLanePlan.suits(convolution, table)
            && shape.indices.allSatisfy { shape[$0] == other[$0] }
    }
}
