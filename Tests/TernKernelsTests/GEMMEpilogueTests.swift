import TernKernels
import TernMicrokernels
import Testing

/// The activations that are fused into a product.
private let activations: [UnaryOperation] = [
    .identity, .relu, UnaryOperation(.clamp, a: -0.5, b: 0.75), UnaryOperation(.gelu),
    UnaryOperation(.geluTanh), UnaryOperation(.swish, a: 1), UnaryOperation(.sigmoid),
    UnaryOperation(.hyperbolicTangent), UnaryOperation(.sine),
]

@Suite(.takingTurns) struct GEMMEpilogueTests {
    @Test(arguments: contexts)
    func `every activation follows biases and a residual, within the error of its input`(
        _ context: KernelContext
    ) throws {
        let width = context.table.panelWidth
        for (m, n, k) in [
            (1, 4 * width + 3, 5), (3, width + 1, 40), (17, 2 * width, 1100), (5, 1, 3),
        ] {
            let product = Product(m, n, k, seed: 11)
            var numbers = Numbers(seed: 12)
            let (columns, residual) = (
                Guarded(numbers.floats(n)), Guarded(numbers.floats(m * n, in: -2...2))
            )
            let twin = ScalarTwin.gemm(
                { product.a[$0 * k + $1] },
                { product.b[$0 * n + $1] },
                rowCount: m,
                columnCount: n,
                depth: k
            )
            for activation in activations {
                let result = try #require(
                    product.run(rows: 0..<m, context: context) { _ in
                        unsafe Epilogue(
                            alpha: 0.5,
                            bias: .perColumn(columns.read),
                            residual: MatrixAddend(residual.read, rowStride: n),
                            activation: activation
                        )
                    }
                )
                for i in 0..<m * n {
                    let addends = Double(columns[i % n]) + Double(residual[i])
                    let exact = ScalarTwin.unary(activation, 0.5 * twin.values[i] + addends)
                    // No activation here is steeper than 1.2.
                    let bound =
                        1.2 * ScalarTwin.bound(depth: k, magnitude: twin.magnitudes[i]) + 4e-6
                    #expect(
                        abs(Double(result[i]) - exact) <= bound,
                        "\(activation.function), \(m)x\(k)x\(n), element \(i)"
                    )
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `the fused steps give the bits of the steps one after the other`(
        _ context: KernelContext
    ) throws {
        let (m, n, k) = (27, 2 * context.table.panelWidth + 5, 70)
        let product = Product(m, n, k, seed: 13)
        var numbers = Numbers(seed: 14)
        let (columns, rows) = (Guarded(numbers.floats(n)), Guarded(numbers.floats(m)))
        let residual = Guarded(numbers.floats(m * n))
        let plain = try #require(product.run(rows: 0..<m, context: context))
        for activation in activations {
            for perRow in [false, true] {
                let fused = try #require(
                    product.run(rows: 0..<m, context: context) { _ in
                        unsafe Epilogue(
                            bias: perRow ? .perRow(rows.read) : .perColumn(columns.read),
                            residual: MatrixAddend(residual.read, rowStride: n),
                            activation: activation
                        )
                    }
                )
                let steps = Guarded(
                    (0..<m * n).map { i in
                        plain[i] + (perRow ? rows[i / n] : columns[i % n]) + residual[i]
                    }
                )
                unsafe Elementwise.apply(
                    activation,
                    steps.read,
                    into: steps.pointer,
                    count: m * n,
                    context: context
                )
                #expect(bits(fused) == bits(steps.values), "\(activation.function)")
            }
        }
    }

    @Test(arguments: contexts)
    func `a residual may be C itself, and C is otherwise not read`(_ context: KernelContext) throws
    {
        let (m, n) = (14, context.table.panelWidth + 7)
        // A depth of several parts, whose sums would otherwise wait in C.
        for k in [3, 1500] {
            let product = Product(m, n, k, seed: 15)
            var numbers = Numbers(seed: 16)
            let before = numbers.floats(m * n)
            let added = try #require(
                product.run(rows: 0..<m, initial: before, context: context) { _ in
                    Epilogue(beta: 1)
                }
            )
            let plain = try #require(product.run(rows: 0..<m, context: context))
            // One rounding, as in a fused multiplication by 1.
            #expect(bits(added) == bits(zip(plain, before).map { $0 + $1 }))
            let nan = [Float](repeating: .nan, count: m * n)
            #expect(product.run(rows: 0..<m, initial: nan, context: context) == plain)
        }
    }

    @Test(arguments: contexts)
    func `NaN passes every activation and minus zero keeps its sign`(
        _ context: KernelContext
    ) throws {
        let n = context.table.panelWidth + 1
        let product = Product(2, n, 0, seed: 17)
        let bias = Guarded((0..<n).map { $0 % 2 == 0 ? Float.nan : -0.0 })
        for activation in activations {
            let result = try #require(
                product.run(rows: 0..<2, context: context) { _ in
                    unsafe Epilogue(bias: .perColumn(bias.read), activation: activation)
                }
            )
            for i in 0..<2 * n where i % n % 2 == 0 {
                #expect(result[i].isNaN, "\(activation.function)")
            }
        }
        // An empty sum is +0, and so is its sum with -0.
        let sums = try #require(
            product.run(rows: 0..<2, context: context) { _ in
                unsafe Epilogue(alpha: -1, bias: .perColumn(bias.read))
            }
        )
        #expect(sums[1].bitPattern == Float(-0.0).bitPattern)
    }
}
