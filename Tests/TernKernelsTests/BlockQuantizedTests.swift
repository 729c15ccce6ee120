import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct BlockQuantizedTests {
    /// How weights are kept.
    static let kinds = [(4, false), (4, true), (8, false), (8, true)]

    func weights(
        _ k: Int,
        _ n: Int,
        blockSize: Int = 32,
        _ kind: (bitCount: Int, hasZeroPoints: Bool),
        _ numbers: inout Numbers
    ) -> BlockQuantizedWeights {
        let blocks = n * ((k + blockSize - 1) / blockSize)
        let byteCount = blocks * blockSize * kind.bitCount / 8
        let greatest: UInt64 = kind.bitCount == 4 ? 15 : 255
        return BlockQuantizedWeights(
            rowCount: k,
            columnCount: n,
            blockSize: blockSize,
            bitCount: kind.bitCount,
            codes: (0..<byteCount).map { _ in
                let x = numbers.next()
                return x & 0x700 == 0 ? 255 : UInt8(x & 255)
            },
            scales: numbers.floats(blocks),
            zeroPoints: kind.hasZeroPoints
                ? (0..<blocks).map { _ in UInt8(numbers.next() & greatest) } : nil
        )
    }

    func product(
        _ a: [Float],
        _ m: Int,
        _ b: BlockQuantizedWeights,
        epilogue: Epilogue = Epilogue(),
        context: KernelContext
    ) -> [Float] {
        let (k, n) = (b.rowCount, b.columnCount)
        let packed = PackedBlockMatrix(b, table: context.table)
        let left = Guarded(a)
        let c = Guarded<Float>(repeating: .nan, count: m * n)
        let scratch = Scratch(BlockQuantizedGEMM.scratchByteCount(rowCount: m, depth: k))
        unsafe BlockQuantizedGEMM.multiply(
            left.read,
            rowStride: k,
            rowCount: m,
            by: packed,
            into: c.pointer,
            rowStride: n,
            epilogue: epilogue,
            scratch: scratch.bytes,
            context: context
        )
        return c.values
    }

    func isFused(_ context: KernelContext) -> Bool { context.table.name.description != "portable" }

    @Test(arguments: contexts)
    func `every small size has the bits of its definition`(_ context: KernelContext) {
        var numbers = Numbers(seed: 1)
        let width = context.table.panelWidth
        for m in 1...6 {
            for n in [1, width / 2 + 1, width + 3] {
                for k in [1, 3, 31, 32, 33, 100] {
                    for kind in Self.kinds {
                        let b = weights(k, n, blockSize: k == 100 ? 64 : 32, kind, &numbers)
                        let a = numbers.floats(m * k, in: -3...3)
                        let twin = ScalarTwin.blockProduct(a, m, b, isFused: isFused(context))
                        #expect(
                            bits(product(a, m, b, context: context)) == bits(twin),
                            "\(m)x\(k)x\(n), \(kind)"
                        )
                    }
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `the largest codes do not saturate`(_ context: KernelContext) {
        let (k, n) = (64, 3)
        for (bitCount, zeros) in Self.kinds {
            for zero: UInt8 in [0, bitCount == 4 ? 15 : 255] where zeros || zero == 0 {
                for code: UInt8 in [0, 255] {
                    let b = BlockQuantizedWeights(
                        rowCount: k,
                        columnCount: n,
                        bitCount: bitCount,
                        codes: [UInt8](repeating: code, count: k * n * bitCount / 8),
                        scales: [Float](repeating: 1, count: 2 * n),
                        zeroPoints: zeros ? [UInt8](repeating: zero, count: 2 * n) : nil
                    )
                    for x: Float in [1, -1] {
                        let a = [Float](repeating: x, count: k)
                        let twin = ScalarTwin.blockProduct(a, 1, b, isFused: isFused(context))
                        #expect(bits(product(a, 1, b, context: context)) == bits(twin))
                    }
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `a row with NaN or infinity becomes NaN, and no other`(_ context: KernelContext) {
        var numbers = Numbers(seed: 2)
        let (m, n, k) = (5, 9, 70)
        for value: Float in [.nan, .infinity, -.infinity] {
            for kind in Self.kinds {
                let b = weights(k, n, kind, &numbers)
                var a = numbers.floats(m * k)
                a[3 * k + 65] = value
                let c = product(a, m, b, context: context)
                for i in 0..<m * n { #expect(c[i].isNaN == (i / n == 3)) }
            }
        }
    }

    @Test(arguments: contexts)
    func `zeros, denormals and no depth give what the epilogue makes of zero`(
        _ context: KernelContext
    ) {
        var numbers = Numbers(seed: 3)
        let bias = Guarded<Float>([1, -2, 3])
        let end = unsafe Epilogue(bias: .perColumn(bias.read), activation: .relu)
        let b = weights(40, 3, (4, true), &numbers)
        for x: Float in [0, -0.0, 0x1p-140] {
            let a = [Float](repeating: x, count: 80)
            #expect(product(a, 2, b, epilogue: end, context: context) == [1, 0, 3, 1, 0, 3])
        }
        let none = weights(0, 3, (4, false), &numbers)
        #expect(product([], 2, none, epilogue: end, context: context) == [1, 0, 3, 1, 0, 3])
        #expect(product([], 0, b, context: context).isEmpty)
        #expect(product([1, 2], 2, weights(1, 0, (8, true), &numbers), context: context).isEmpty)
    }

    @Test(arguments: tables)
    func `a row has the same bits alone, in any batch and on any number of threads`(
        _ table: KernelTable
    ) {
        var numbers = Numbers(seed: 4)
        let (n, k) = (203, 301)
        let a = numbers.floats(64 * k)
        for kind in Self.kinds {
            let b = weights(k, n, kind, &numbers)
            func run(_ m: Int, _ context: KernelContext) -> [UInt32] {
                bits(product(Array(a[..<(m * k)]), m, b, context: context))
            }
            let whole = run(64, KernelContext(table: table))
            for m in [1, 2, 3, 4, 5, 8, 11, 63] {
                #expect(run(m, KernelContext(table: table)) == Array(whole[..<(m * n)]))
            }
            for pool in pools {
                #expect(run(64, KernelContext(table: table, pool: pool)) == whole)
            }
        }
    }

    @Test(arguments: kinds)
    func `quantised weights lie within half a step of what they were`(
        _ bitCount: Int,
        _ hasZeroPoints: Bool
    ) {
        var numbers = Numbers(seed: 5)
        let (k, n) = (75, 6)
        var b = numbers.floats(k * n, in: -2...2)
        for i in 0..<32 { b[i * n] = 0 }
        let source = Guarded(b)
        let plain = unsafe BlockQuantizedWeights(
            quantizing: MatrixView(source.read, rowStride: n),
            rowCount: k,
            columnCount: n,
            bitCount: bitCount,
            hasZeroPoints: hasZeroPoints
        )
        let turned = Guarded((0..<n).flatMap { j in (0..<k).map { b[$0 * n + j] } })
        let transposed = unsafe BlockQuantizedWeights(
            quantizing: MatrixView(turned.read, rowStride: k, isTransposed: true),
            rowCount: k,
            columnCount: n,
            bitCount: bitCount,
            hasZeroPoints: hasZeroPoints
        )
        #expect(plain.codes == transposed.codes)
        #expect(plain.zeroPoints == transposed.zeroPoints)
        let back = plain.dequantized()
        for j in 0..<n {
            for i in 0..<k {
                let step = plain.scales[j * plain.blockCount + i / 32].magnitude
                let error = abs(back[j * k + i] - b[i * n + j])
                // Without a zero point the far end of the range has one step too few, and with one
                // the zero point is rounded too.
                #expect(error <= step * 1.0001)
                if j == 0 && i < 32 { #expect(back[i] == 0) }
            }
        }
        #expect(
            BlockQuantizedWeights(
                rowCount: k,
                columnCount: n,
                bitCount: bitCount,
                codes: plain.codes,
                scales: plain.scales,
                zeroPoints: plain.zeroPoints
            ).dequantized() == back
        )
    }
}
