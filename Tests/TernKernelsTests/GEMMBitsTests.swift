import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct GEMMBitsTests {
    @Test(arguments: tables)
    func `a row has the same bits in every batch, with every epilogue, on any number of threads`(
        _ table: KernelTable
    ) throws {
        // Depths: short; rows of A 4096 bytes apart; several parts of K.
        for (n, k) in [(table.panelWidth * 5 + 3, 33), (table.panelWidth, 1024), (35, 1100)] {
            let product = Product(64, n, k, seed: 21)
            let matrix = product.packed(table)
            var numbers = Numbers(seed: 22)
            let columns = Guarded(numbers.floats(n))
            let residual = Guarded(numbers.floats(64 * n))
            for activation in [
                UnaryOperation.identity, .relu, UnaryOperation(.gelu), UnaryOperation(.geluTanh),
                UnaryOperation(.swish, a: 1), UnaryOperation(.sigmoid),
                UnaryOperation(.hyperbolicTangent),
            ] {
                let epilogue: (Range<Int>) -> Epilogue = { rows in
                    unsafe Epilogue(
                        alpha: 0.75,
                        bias: .perColumn(columns.read),
                        residual: MatrixAddend(
                            residual.read + rows.lowerBound * n,
                            rowStride: n
                        ),
                        activation: activation
                    )
                }
                let alone = KernelContext(table: table)
                let whole = try #require(
                    product.run(rows: 0..<64, by: matrix, context: alone, epilogue: epilogue)
                )
                // Every batch size once, for one activation; a few for the others.
                let sizes = activation.isIdentity && k < 1000 ? Array(1...63) : [1, 2, 7, 13, 31]
                for size in sizes {
                    let first = (size * 7) % (65 - size)
                    let rows = first..<first + size
                    let part = try #require(
                        product.run(rows: rows, by: matrix, context: alone, epilogue: epilogue)
                    )
                    #expect(
                        bits(part) == bits(Array(whole[first * n..<(first + size) * n])),
                        "rows \(rows), \(activation.function), \(k)x\(n)"
                    )
                }
                for pool in pools {
                    let shared = try #require(
                        product.run(
                            rows: 0..<64,
                            by: matrix,
                            context: KernelContext(table: table, pool: pool),
                            epilogue: epilogue
                        )
                    )
                    #expect(bits(shared) == bits(whole))
                }
            }
        }
    }

    @Test(arguments: tables)
    func `work that is large enough to be shared out gives the same bits`(
        _ table: KernelTable
    ) throws {
        for (m, n, k) in [(1, 1100, 600), (150, 200, 300), (25, 330, 1200)] {
            let product = Product(m, n, k, seed: 23)
            let matrix = product.packed(table)
            let alone = try #require(
                product.run(rows: 0..<m, by: matrix, context: KernelContext(table: table))
            )
            for pool in pools {
                for _ in 0..<3 {
                    let context = KernelContext(table: table, pool: pool)
                    let shared = product.run(rows: 0..<m, by: matrix, context: context)
                    #expect(shared.map(bits) == bits(alone))
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `gaps between rows are neither read nor written`(_ context: KernelContext) throws {
        let width = context.table.panelWidth
        for m in 1...15 {
            for n in [1, width - 1, width + 1, 2 * width, 4 * width + 2] {
                let product = Product(m, n, 9, seed: 24)
                let dense = try #require(product.run(rows: 0..<m, context: context))
                for gap in [1, 1015] {
                    let apart = try #require(
                        product.run(rows: 0..<m, gap: gap, context: context)
                    )
                    #expect(bits(apart) == bits(dense))
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `denormals are neither flushed nor lost`(_ context: KernelContext) {
        let tiny = Float.leastNonzeroMagnitude
        let left = Guarded<Float>([tiny, 1, 0, -tiny])
        let right = Guarded<Float>([1, 2, tiny, 0])
        let result = Guarded<Float>(repeating: .nan, count: 4)
        let matrix = unsafe PackedMatrix(
            rowCount: 2,
            columnCount: 2,
            elements: right.read,
            rowStride: 2,
            table: context.table
        )
        unsafe GEMM.multiply(
            left.read,
            rowStride: 2,
            rowCount: 2,
            by: matrix,
            into: result.pointer,
            rowStride: 2,
            context: context
        )
        #expect(result.values == [2 * tiny, 2 * tiny, 0, 0])
    }
}
