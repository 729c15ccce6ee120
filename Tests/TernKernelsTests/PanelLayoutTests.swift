import TernMicrokernels
import TernTensor
import Testing

@testable import TernKernels

/// Packed weights are kept in files: their bytes may only change together with
/// `KernelTable.panelLayoutVersion`.
@Suite struct PanelLayoutTests {
    /// FNV-1a.
    private static func hash(_ memory: [AlignedBuffer]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for buffer in memory {
            hash = unsafe buffer.bytes.withUnsafeBytes { bytes in
                unsafe bytes.reduce(hash) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
            }
        }
        return hash
    }

    private static let floats = (0..<40_000).map { Float($0 % 251) / 16 - 7 }
    private static let bytes = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 251) }

    private static func convolution(
        _ channels: Int,
        _ filters: Int,
        groups: Int = 1,
        kernel: (Int, Int) = (3, 3),
        stride: Int = 1,
        size: Int
    ) -> Convolution? {
        Convolution(
            batchCount: 1,
            inputChannelCount: channels,
            outputChannelCount: filters,
            groupCount: groups,
            inputSize: Window.Extent(height: size, width: size),
            window: Window(
                kernel: Window.Extent(height: kernel.0, width: kernel.1),
                stride: Window.Extent(height: stride, width: stride)
            )
        )
    }

    private static func filters(_ table: KernelTable) -> [any PackedWeights] {
        let all = [
            convolution(16, 40, size: 32), convolution(16, 40, size: 7),
            convolution(16, 40, kernel: (1, 1), size: 28),
            convolution(16, 40, kernel: (1, 1), size: 3),
            convolution(16, 40, kernel: (1, 3), size: 32), convolution(3, 16, stride: 2, size: 32),
            convolution(1, 8, size: 20), convolution(40, 40, groups: 40, size: 32),
            convolution(40, 40, groups: 40, size: 7), convolution(40, 40, groups: 40, size: 3),
            convolution(40, 40, groups: 40, stride: 2, size: 15),
            convolution(32, 32, groups: 4, size: 9),
        ].compactMap { $0 }
        var packed: [any PackedWeights] = []
        unsafe floats.withUnsafeBufferPointer { floats in
            guard let base = floats.baseAddress else { return }
            for convolution in all {
                packed.append(unsafe PackedFilter(elements: base, for: convolution, table: table))
            }
            packed.append(
                unsafe PackedMatrix(
                    rowCount: 37,
                    columnCount: 75,
                    elements: base,
                    rowStride: 75,
                    table: table
                )
            )
            packed.append(
                unsafe PackedBFloatMatrix(
                    rowCount: 37,
                    columnCount: 75,
                    floats: base,
                    rowStride: 75,
                    table: table
                )
            )
        }
        unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for convolution in all {
                packed.append(
                    unsafe PackedByteFilter(
                        ByteFilter(base, isSigned: false, zeroPoint: 3),
                        for: convolution,
                        table: table
                    )
                )
            }
            packed.append(
                unsafe PackedIntegerMatrix(
                    rowCount: 37,
                    columnCount: 75,
                    elements: ByteMatrix(base, rowStride: 75, isSigned: false, zeroPoint: 5),
                    table: table
                )
            )
        }
        return packed
    }

    @Test(arguments: KernelTable.available)
    func `layouts are what their version says`(_ table: KernelTable) {
        let expected: [String: UInt64] = [
            "portable": 6_347_548_514_776_914_808, "v3": 16_823_861_313_140_347_008,
            "v4": 17_851_190_646_237_095_400,
        ]
        let found = Self.hash(Self.filters(table).flatMap(\.panelMemory))
        #expect(
            found == expected[table.name.description],
            "\(table.name): a layout changed; raise panelLayoutVersion, then note \(found)"
        )
    }

    @Test(arguments: KernelTable.available)
    func `lent memory is taken if it is long enough, and no other`(_ table: KernelTable) {
        let elements = Array(Self.floats[..<(37 * 75)])
        unsafe elements.withUnsafeBufferPointer { floats in
            guard let base = floats.baseAddress else { return }
            let packed = unsafe PackedMatrix(
                rowCount: 37,
                columnCount: 75,
                elements: base,
                rowStride: 75,
                table: table
            )
            let lent = unsafe PackedMatrix(
                rowCount: 37,
                columnCount: 75,
                elements: base,
                rowStride: 75,
                table: table,
                memory: PanelMemory(lent: packed.panelMemory)
            )
            #expect(lent.panelMemory[0] === packed.panelMemory[0])
            let other = unsafe PackedMatrix(
                rowCount: 36,
                columnCount: 75,
                elements: base,
                rowStride: 75,
                table: table,
                memory: PanelMemory(lent: packed.panelMemory)
            )
            #expect(other.panelMemory[0] !== packed.panelMemory[0])
        }
    }

    @Test(arguments: KernelTable.available)
    func `filters and bytes that were lent have what was packed`(_ table: KernelTable) throws {
        let convolution = try #require(Self.convolution(16, 40, size: 9))
        unsafe Self.bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for zero in [Int32(128), 3] {
                let filter = unsafe ByteFilter(base, isSigned: false, zeroPoint: zero)
                let packed = unsafe PackedByteFilter(filter, for: convolution, table: table)
                let lent = unsafe PackedByteFilter(
                    filter,
                    for: convolution,
                    table: table,
                    memory: PanelMemory(lent: packed.panelMemory)
                )
                #expect(unsafe lent.panels.weights == packed.panels.weights)
                #expect(unsafe lent.panels.sums == packed.panels.sums)
                #expect(unsafe lent.panels.zeros == packed.panels.zeros)
                #expect(unsafe lent.panels.ones == packed.panels.ones)
                let matrix = unsafe ByteMatrix(
                    base,
                    rowStride: 75,
                    isSigned: false,
                    zeroPoint: zero
                )
                let product = unsafe PackedIntegerMatrix(
                    rowCount: 37,
                    columnCount: 75,
                    elements: matrix,
                    table: table
                )
                let lentProduct = unsafe PackedIntegerMatrix(
                    rowCount: 37,
                    columnCount: 75,
                    elements: matrix,
                    table: table,
                    memory: PanelMemory(lent: product.panelMemory)
                )
                #expect(unsafe lentProduct.panels.panels == product.panels.panels)
                #expect(unsafe lentProduct.panels.columnSums == product.panels.columnSums)
                #expect(unsafe lentProduct.panels.columnZeros == product.panels.columnZeros)
            }
        }
    }
}
