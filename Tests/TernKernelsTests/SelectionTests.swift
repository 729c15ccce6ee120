import CTernCPU
import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct SelectionTests {
    @Test func `the tables are the ones the processor can run, each with its own shape`() {
        #expect(tables[0].name.description == "portable")
        #expect(tables.count == 1 + Int(Swift.max(0, Swift.min(2, tern_x86_level() - 2))))
        #expect(Set(tables.map(\.name.description)).count == tables.count)
        for table in tables {
            #expect(table.panelWidth == 2 * table.laneCount)
            #expect(table.blockRowCount >= 6)
        }
        #expect(tables.contains { $0.name.description == KernelTable.current.name.description })
    }

    @Test func `a matrix packed for other kernels is refused`() async {
        guard tables.count > 1 else { return }
        await #expect(processExitsWith: .failure) {
            let b = Guarded<Float>([1])
            let packed = unsafe PackedMatrix(
                rowCount: 1,
                columnCount: 1,
                elements: b.read,
                rowStride: 1,
                table: KernelTable.available[0]
            )
            unsafe GEMM.multiply(
                b.read,
                rowStride: 1,
                rowCount: 1,
                by: packed,
                into: b.pointer,
                rowStride: 1,
                context: KernelContext(table: KernelTable.available[1])
            )
        }
    }

    @Test func `too little scratch memory is refused`() async {
        await #expect(processExitsWith: .failure) {
            let x = Guarded<Float>([1, 2, 3, 4])
            unsafe GEMM.multiply(
                MatrixView(x.read, rowStride: 2),
                by: MatrixView(x.read, rowStride: 2),
                rowCount: 2,
                columnCount: 2,
                depth: 2,
                into: x.pointer,
                rowStride: 2,
                scratch: UnsafeMutableRawBufferPointer(start: nil, count: 0),
                context: KernelContext()
            )
        }
    }
}
