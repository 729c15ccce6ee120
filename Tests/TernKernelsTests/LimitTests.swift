import TernKernels
import TernMicrokernels
import Testing

/// The loops that other kernels are measured against have to do the work they are counted for.
@Suite(.takingTurns) struct LimitTests {
    /// The sum of twelve registers that all hold one number.
    func total(_ x: Float, _ table: KernelTable) -> Float {
        x * Float(LimitKernels.roundRegisterCount * table.laneCount)
    }

    @Test func `a round of floats multiplies and adds in every lane`() {
        let seeds = Guarded<Float>(repeating: 1, count: LimitKernels.seedCount)
        seeds[0] = 0.5
        seeds[1] = 0.25
        for table in tables {
            // 1 → 0.75 → 0.6875 → 0.671875.
            #expect(unsafe table.limits.multiplyAdds(3, seeds.read) == total(0.671875, table))
            #expect(unsafe table.limits.multiplyAdds(0, seeds.read) == total(1, table))
        }
    }

    @Test func `a round of bytes adds twice four products in every lane`() {
        let seeds = Guarded<Float>(repeating: 0, count: LimitKernels.seedCount)
        // 2·-1 + 3·4 + 255·5 + 7·-6, then 255·-128 + 7·63; the unsigned bytes on the left.
        seeds[1] = Float(bitPattern: 0xfa05_04ff)
        seeds[0] = Float(bitPattern: 0x3f80_0000)
        for i in 2..<seeds.count { seeds[i] = Float(bitPattern: 0x07ff_0302) }
        let sum = Float(bitPattern: 0x3f80_0000 + 1243 - 32199)
        for table in tables {
            let result = unsafe table.limits.dotBytes(1, seeds.read)
            #expect(abs(result - total(sum, table)) <= total(sum, table) * 0x1p-20)
        }
    }

    @Test func `a round of bfloat16 adds twice two products in every lane`() {
        let seeds = Guarded<Float>(repeating: 0, count: LimitKernels.seedCount)
        // 2·0.5 + -4·0.25, then 2·0 + -4·3; the lower halves first.
        seeds[1] = Float(bitPattern: 0x3e80_3f00)
        seeds[0] = 3
        for i in 2..<seeds.count { seeds[i] = Float(bitPattern: 0xc080_4000) }
        for table in tables {
            #expect(unsafe table.limits.dotBFloats(1, seeds.read) == total(-9, table))
        }
    }

    @Test func `reading adds whole groups of eight registers, and reads nothing behind them`() {
        for table in tables {
            for groups in [0, 1, 2, 5] {
                let count = groups * 8 * table.laneCount
                let x = Guarded((0..<count).map { Float($0 % 7) })
                let sum = (0..<count).reduce(Float(0)) { $0 + Float($1 % 7) }
                #expect(unsafe table.limits.read(x.read, count) == sum)
            }
        }
    }
}
