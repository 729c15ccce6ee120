import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct BFloatGEMMTests {
    func product(
        _ a: [UInt16],
        _ b: [UInt16],
        _ m: Int,
        _ n: Int,
        _ k: Int,
        isTransposed: Bool = false,
        epilogue: Epilogue = Epilogue(),
        context: KernelContext
    ) -> [Float] {
        let right = Guarded(
            isTransposed ? (0..<n).flatMap { j in (0..<k).map { b[$0 * n + j] } } : b
        )
        let packed = unsafe PackedBFloatMatrix(
            rowCount: k,
            columnCount: n,
            elements: right.read,
            rowStride: isTransposed ? k : n,
            isTransposed: isTransposed,
            table: context.table
        )
        let left = Guarded(a)
        let c = Guarded<Float>(repeating: .nan, count: m * n)
        unsafe BFloatGEMM.multiply(
            left.read,
            rowStride: k,
            rowCount: m,
            by: packed,
            into: c.pointer,
            rowStride: n,
            epilogue: epilogue,
            context: context
        )
        return c.values
    }

    @Test(arguments: contexts)
    func `every small size has the bits of its definition`(_ context: KernelContext) {
        var numbers = Numbers(seed: 1)
        let width = context.table.panelWidth
        for m in 1...(2 * context.table.quantized.dotRowCount + 1) {
            for n in [1, width / 2, width / 2 + 1, width + 1, 4 * width + 3] {
                for k in [1, 2, 3, 17] {
                    let a = numbers.floats(m * k).map(bfloat)
                    let b = numbers.floats(k * n).map(bfloat)
                    let c = product(
                        a,
                        b,
                        m,
                        n,
                        k,
                        isTransposed: (m + n) % 2 == 0,
                        context: context
                    )
                    #expect(
                        bits(c) == bits(ScalarTwin.bfloatProduct(a, b, m, n, k)),
                        "\(m)x\(k)x\(n)"
                    )
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `NaN and infinity reach their row and column and nothing else`(_ context: KernelContext) {
        let (m, n, k) = (5, 2 * context.table.panelWidth - 1, 7)
        var a = [UInt16](repeating: bfloat(1), count: m * k)
        var b = [UInt16](repeating: bfloat(1), count: k * n)
        a[2 * k + 6] = bfloat(.nan)
        b[6 * n + 6] = bfloat(.infinity)
        let c = product(a, b, m, n, k, context: context)
        for i in 0..<m {
            for j in 0..<n {
                let value = c[i * n + j]
                #expect(i == 2 ? value.isNaN : value == (j == 6 ? .infinity : 7))
            }
        }
    }

    @Test(arguments: contexts)
    func `denormals count as zero at most`(_ context: KernelContext) {
        let tiny: UInt16 = 1
        let c = product([tiny, bfloat(1)], [bfloat(1), tiny], 1, 1, 2, context: context)
        #expect(c[0] == 0 || c[0] == 2 * float(bfloat: tiny))
    }

    @Test(arguments: contexts)
    func `floats are rounded at the door, and the result to bfloat16 if asked for`(
        _ context: KernelContext
    ) {
        var numbers = Numbers(seed: 2)
        let (m, n, k) = (7, context.table.panelWidth + 5, 31)
        let a = numbers.floats(m * k)
        let b = numbers.floats(k * n)
        let bias = Guarded(numbers.floats(n))
        let left = Guarded(a)
        let right = Guarded(b)
        let packed = unsafe PackedBFloatMatrix(
            rowCount: k,
            columnCount: n,
            floats: right.read,
            rowStride: n,
            table: context.table
        )
        let scratch = Scratch(BFloatGEMM.scratchByteCount(rowCount: m, depth: k))
        let c = Guarded<UInt16>(repeating: 1, count: m * n)
        unsafe BFloatGEMM.multiply(
            floats: left.read,
            rowStride: k,
            rowCount: m,
            by: packed,
            into: c.pointer,
            rowStride: n,
            isBFloat: true,
            epilogue: Epilogue(bias: .perColumn(bias.read), activation: .relu),
            scratch: scratch.bytes,
            context: context
        )
        let sums = ScalarTwin.bfloatProduct(a.map(bfloat), b.map(bfloat), m, n, k)
        for i in 0..<m * n {
            #expect(c[i] == bfloat(Swift.max(0, sums[i] + bias[i % n])))
        }
    }

    @Test(arguments: contexts)
    func `the epilogue adds what was there and both kinds of bias`(_ context: KernelContext) {
        var numbers = Numbers(seed: 3)
        let (m, n, k) = (3, 9, 4)
        let a = numbers.floats(m * k).map(bfloat)
        let b = numbers.floats(k * n).map(bfloat)
        let rows = Guarded(numbers.floats(m))
        let sums = ScalarTwin.bfloatProduct(a, b, m, n, k)
        let right = Guarded(b)
        let left = Guarded(a)
        let packed = unsafe PackedBFloatMatrix(
            rowCount: k,
            columnCount: n,
            elements: right.read,
            rowStride: n,
            table: context.table
        )
        let c = Guarded<Float>(repeating: 4, count: m * n)
        unsafe BFloatGEMM.multiply(
            left.read,
            rowStride: k,
            rowCount: m,
            by: packed,
            into: c.pointer,
            rowStride: n,
            epilogue: Epilogue(beta: 0.5, bias: .perRow(rows.read)),
            context: context
        )
        #expect(
            bits(c.values) == bits((0..<m * n).map { sums[$0] + 2 + rows[$0 / n] })
        )
        #expect(product([], [], 2, 3, 0, context: context) == [0, 0, 0, 0, 0, 0])
    }

    @Test(arguments: tables)
    func `a row has the same bits alone, in any batch and on any number of threads`(
        _ table: KernelTable
    ) {
        var numbers = Numbers(seed: 4)
        let (n, k) = (203, 301)
        let a = numbers.floats(64 * k).map(bfloat)
        let b = numbers.floats(k * n).map(bfloat)
        let activated = Epilogue(activation: UnaryOperation(.sigmoid))
        func run(_ m: Int, _ context: KernelContext) -> [UInt32] {
            bits(
                product(
                    Array(a[..<(m * k)]),
                    b,
                    m,
                    n,
                    k,
                    epilogue: activated,
                    context: context
                )
            )
        }
        let whole = run(64, KernelContext(table: table))
        for m in [1, 2, 3, 7, 12, 13, 24, 25, 63] {
            #expect(run(m, KernelContext(table: table)) == Array(whole[..<(m * n)]))
        }
        for pool in pools {
            #expect(run(64, KernelContext(table: table, pool: pool)) == whole)
        }
    }
}
