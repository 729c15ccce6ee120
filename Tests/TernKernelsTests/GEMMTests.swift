import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct GEMMTests {
    /// Multiplies through a packed matrix; everything touches guard pages.
    func packed(
        _ a: [Float],
        _ b: [Float],
        _ m: Int,
        _ n: Int,
        _ k: Int,
        transposed: Bool = false,
        epilogue: (inout Epilogue) -> Void = { _ in },
        initial: Float = .nan,
        context: KernelContext
    ) -> [Float] {
        let left = Guarded(a)
        let right = Guarded(b)
        let result = Guarded(repeating: initial, count: m * n)
        let matrix = unsafe PackedMatrix(
            rowCount: k,
            columnCount: n,
            elements: right.read,
            rowStride: transposed ? k : n,
            isTransposed: transposed,
            table: context.table
        )
        var end = Epilogue()
        epilogue(&end)
        unsafe GEMM.multiply(
            left.read,
            rowStride: k,
            rowCount: m,
            by: matrix,
            into: result.pointer,
            rowStride: n,
            epilogue: end,
            context: context
        )
        return result.values
    }

    func expectClose(
        _ result: [Float],
        _ a: [Float],
        _ b: [Float],
        _ m: Int,
        _ n: Int,
        _ k: Int,
        _ comment: Comment
    ) {
        let twin = ScalarTwin.gemm(
            { a[$0 * k + $1] },
            { b[$0 * n + $1] },
            rowCount: m,
            columnCount: n,
            depth: k
        )
        for i in 0..<m * n {
            let bound = ScalarTwin.bound(depth: k, magnitude: twin.magnitudes[i])
            guard abs(Double(result[i]) - twin.values[i]) <= bound else {
                Issue.record(
                    "element \(i): \(result[i]) instead of \(twin.values[i]); \(comment)"
                )
                return
            }
        }
    }

    @Test(arguments: contexts)
    func `every small size agrees with the definition`(_ context: KernelContext) {
        var numbers = Numbers()
        let width = context.table.panelWidth
        let columns = [
            1, width / 2 - 1, width / 2, width / 2 + 1, width - 1, width, width + 1,
            4 * width, 5 * width + 3,
        ]
        for m in 1...(2 * context.table.blockRowCount + 2) {
            for n in columns {
                for k in [1, 2, 3, 17] {
                    let a = numbers.floats(m * k)
                    let b = numbers.floats(k * n)
                    let c = packed(a, b, m, n, k, context: context)
                    expectClose(c, a, b, m, n, k, "\(m)x\(k)x\(n)")
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `a long depth and many panels agree with the definition`(_ context: KernelContext) {
        var numbers = Numbers(seed: 2)
        for (m, n, k) in [(1, 300, 2100), (25, 70, 2500), (130, 200, 64), (3, 9, 1025)] {
            let a = numbers.floats(m * k)
            let b = numbers.floats(k * n)
            let c = packed(a, b, m, n, k, context: context)
            expectClose(c, a, b, m, n, k, "\(m)x\(k)x\(n)")
        }
    }

    @Test(arguments: contexts)
    func `a transposed matrix packs to the same panels`(_ context: KernelContext) {
        var numbers = Numbers(seed: 3)
        for (m, n, k) in [(2, 37, 19), (1, 8, 40), (5, 64, 1)] {
            let a = numbers.floats(m * k)
            let b = numbers.floats(k * n)
            var t = [Float](repeating: 0, count: n * k)
            for i in 0..<k { for j in 0..<n { t[j * k + i] = b[i * n + j] } }
            let plain = packed(a, b, m, n, k, context: context)
            let transposed = packed(a, t, m, n, k, transposed: true, context: context)
            #expect(bits(plain) == bits(transposed))
        }
    }

    @Test(arguments: contexts)
    func `nothing to add gives the epilogue of zero, and an empty result touches nothing`(
        _ context: KernelContext
    ) {
        let bias = Guarded<Float>([1, -2, 3])
        let c = packed(
            [],
            [],
            2,
            3,
            0,
            epilogue: { unsafe $0.bias = .perColumn(bias.read) },
            context: context
        )
        #expect(c == [1, -2, 3, 1, -2, 3])
        #expect(packed([], [1, 2, 3], 0, 3, 1, context: context).isEmpty)
        #expect(packed([1, 2], [], 2, 0, 1, context: context).isEmpty)
    }

    @Test(arguments: contexts)
    func `the epilogue scales, adds what was there and both biases, then bounds`(
        _ context: KernelContext
    ) {
        var numbers = Numbers(seed: 4)
        let (m, n, k) = (7, context.table.panelWidth + 3, 5)
        let a = numbers.floats(m * k)
        let b = numbers.floats(k * n)
        let rows = Guarded(numbers.floats(m))
        let columns = Guarded(numbers.floats(n))
        let twin = ScalarTwin.gemm(
            { a[$0 * k + $1] },
            { b[$0 * n + $1] },
            rowCount: m,
            columnCount: n,
            depth: k
        )
        let perRow = packed(
            a,
            b,
            m,
            n,
            k,
            epilogue: {
                $0 = unsafe Epilogue(
                    alpha: 0.5,
                    beta: 2,
                    bias: .perRow(rows.read),
                    activation: UnaryOperation(.clamp, a: 1.2, b: 2.5)
                )
            },
            initial: 1,
            context: context
        )
        let perColumn = packed(
            a,
            b,
            m,
            n,
            k,
            epilogue: {
                $0 = unsafe Epilogue(
                    alpha: -1,
                    bias: .perColumn(columns.read),
                    activation: .relu
                )
            },
            context: context
        )
        for i in 0..<m {
            for j in 0..<n {
                let product = twin.values[i * n + j]
                let first = Swift.min(2.5, Swift.max(1.2, 0.5 * product + 2 + Double(rows[i])))
                #expect(abs(Double(perRow[i * n + j]) - first) < 1e-5)
                let second = Swift.max(0, -product + Double(columns[j]))
                #expect(abs(Double(perColumn[i * n + j]) - second) < 1e-5)
            }
        }
    }

    @Test(arguments: contexts)
    func `any activation can follow`(_ context: KernelContext) {
        var numbers = Numbers(seed: 5)
        let (m, n, k) = (3, 41, 9)
        let a = numbers.floats(m * k)
        let b = numbers.floats(k * n)
        let plain = packed(a, b, m, n, k, context: context)
        for function in [UnaryFunction.sigmoid, .hyperbolicTangent, .gelu, .leakyRelu, .sine] {
            let operation = UnaryOperation(function, a: 0.1)
            let fused = packed(
                a,
                b,
                m,
                n,
                k,
                epilogue: { $0.activation = operation },
                context: context
            )
            let target = Guarded(plain)
            unsafe Elementwise.apply(
                operation,
                target.read,
                into: target.pointer,
                count: m * n,
                context: context
            )
            #expect(bits(fused) == bits(target.values))
        }
    }

    @Test(arguments: contexts)
    func `NaN and infinity reach their row and column and nothing else`(_ context: KernelContext) {
        let (m, n, k) = (5, 2 * context.table.panelWidth - 1, 7)
        var a = [Float](repeating: 1, count: m * k)
        var b = [Float](repeating: 1, count: k * n)
        a[2 * k + 3] = .nan
        b[4 * n + 6] = .infinity
        let c = packed(a, b, m, n, k, epilogue: { $0.activation = .relu }, context: context)
        for i in 0..<m {
            for j in 0..<n {
                let value = c[i * n + j]
                if i == 2 {
                    #expect(value.isNaN)
                } else {
                    #expect(value == (j == 6 ? .infinity : 7))
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `two matrices of the moment give the bits of a packed one`(_ context: KernelContext) {
        var numbers = Numbers(seed: 6)
        for (m, n, k) in [(1, 5, 3), (4, 70, 33), (50, 67, 12), (30, 16, 1100), (2, 64, 8)] {
            let a = numbers.floats(m * k)
            let b = numbers.floats(k * n)
            let expected = packed(a, b, m, n, k, context: context)
            for (aT, bT) in [(false, false), (true, false), (false, true), (true, true)] {
                let left = Guarded(aT ? transpose(a, m, k) : a)
                let right = Guarded(bT ? transpose(b, k, n) : b)
                let result = Guarded<Float>(repeating: .nan, count: m * n)
                let scratch = Scratch(
                    GEMM.scratchByteCount(
                        rowCount: m,
                        columnCount: n,
                        depth: k,
                        aIsTransposed: aT,
                        bIsTransposed: bT,
                        context: context
                    )
                )
                unsafe GEMM.multiply(
                    MatrixView(left.read, rowStride: aT ? m : k, isTransposed: aT),
                    by: MatrixView(right.read, rowStride: bT ? k : n, isTransposed: bT),
                    rowCount: m,
                    columnCount: n,
                    depth: k,
                    into: result.pointer,
                    rowStride: n,
                    scratch: scratch.bytes,
                    context: context
                )
                #expect(bits(result.values) == bits(expected))
            }
        }
    }

    func transpose(_ x: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        (0..<columns).flatMap { j in (0..<rows).map { i in x[i * columns + j] } }
    }

    @Test(arguments: tables)
    func `a row has the same bits alone, in a batch and on any number of threads`(
        _ table: KernelTable
    ) {
        var numbers = Numbers(seed: 7)
        let (n, k) = (203, 1500)
        let a = numbers.floats(64 * k)
        let b = numbers.floats(k * n)
        let whole = packed(a, b, 64, n, k, context: KernelContext(table: table))
        for row in [0, 1, 31, 63] {
            let alone = packed(
                Array(a[row * k..<(row + 1) * k]),
                b,
                1,
                n,
                k,
                context: KernelContext(table: table)
            )
            #expect(bits(alone) == bits(Array(whole[row * n..<(row + 1) * n])))
        }
        for pool in pools {
            let shared = packed(a, b, 64, n, k, context: KernelContext(table: table, pool: pool))
            #expect(bits(shared) == bits(whole))
        }
    }
}
