import TernMicrokernels
import TernTensor

/// The arithmetic peak of one thread: what the percentages of a benchmark are of.
///
/// A multiplication and an addition count as two operations.
final class PeakWork: BenchmarkedWork {
    /// What is multiplied.
    enum Arithmetic {
        /// 32-bit floats.
        case floats
        /// Unsigned by signed bytes, four in the place of a float.
        case bytes
        /// bfloat16, two in the place of a float.
        case bfloats

        /// The products in each lane of a register in one round.
        fileprivate var productCount: Int {
            switch self {
            case .floats: 1
            case .bytes: 2 * 4
            case .bfloats: 2 * 2
            }
        }
    }

    private static let roundCount = 20_000

    private let arithmetic: Arithmetic
    private let table: KernelTable
    private let seeds: AlignedBuffer
    private(set) var result: Float = 0

    init(_ arithmetic: Arithmetic, table: KernelTable) {
        self.arithmetic = arithmetic
        self.table = table
        seeds = AlignedBuffer(byteCount: LimitKernels.seedCount * MemoryLayout<Float>.stride)
        // SAFETY: the buffer holds as many floats.
        let floats = unsafe seeds.baseAddress.assumingMemoryBound(to: Float.self)
        // A quarter of two numbers and another one stay finite for ever.
        for index in 0..<LimitKernels.seedCount { unsafe floats[index] = index < 2 ? 0.25 : 1 }
    }

    /// The operations of one run.
    var operationCount: Double {
        let lanes = LimitKernels.roundRegisterCount * table.laneCount
        return 2 * Double(Self.roundCount * lanes * arithmetic.productCount)
    }

    func run(copy: Int) {
        // SAFETY: the buffer holds as many floats as the loops want.
        let floats = unsafe UnsafePointer(seeds.baseAddress.assumingMemoryBound(to: Float.self))
        let sum =
            switch arithmetic {
            case .floats: unsafe table.limits.multiplyAdds(Self.roundCount, floats)
            case .bytes: unsafe table.limits.dotBytes(Self.roundCount, floats)
            case .bfloats: unsafe table.limits.dotBFloats(Self.roundCount, floats)
            }
        result += sum
    }
}
