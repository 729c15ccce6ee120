import TernMicrokernels
import TernTensor

/// The arithmetic peak of one thread: what the percentages of a benchmark are of.
///
/// A multiplication and an addition of 32-bit floats count as two operations.
final class PeakWork: BenchmarkedWork {
    private static let roundCount = 20_000

    private let table: KernelTable
    private let seeds: AlignedBuffer
    private(set) var result: Float = 0

    init(table: KernelTable) {
        self.table = table
        seeds = AlignedBuffer(byteCount: 14 * MemoryLayout<Float>.stride)
        // SAFETY: the buffer holds 14 floats.
        let floats = unsafe seeds.baseAddress.assumingMemoryBound(to: Float.self)
        // Halving and adding stays finite for ever.
        for index in 0..<14 { unsafe floats[index] = index == 0 ? 0.5 : Float(index) }
    }

    /// The operations of one run.
    var operationCount: Double {
        2 * Double(Self.roundCount * KernelTable.peakRoundRegisterCount * table.laneCount)
    }

    func run(copy: Int) {
        // SAFETY: the buffer holds 14 floats.
        result += unsafe table.multiplyAddPeak(
            Self.roundCount,
            seeds.baseAddress.assumingMemoryBound(to: Float.self)
        )
    }
}
