import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct ConvolutionTests {
    static let cases: [ConvolutionCase] = [
        ConvolutionCase(inputs: 1, outputs: 1, size: (1, 1), kernel: (1, 1)),
        ConvolutionCase(
            batch: 2,
            inputs: 3,
            outputs: 5,
            size: (8, 8),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(batch: 3, inputs: 4, outputs: 13, size: (7, 9), kernel: (1, 1)),
        ConvolutionCase(
            inputs: 2,
            outputs: 30,
            size: (11, 40),
            kernel: (5, 3),
            stride: (2, 3),
            leading: (2, 0),
            trailing: (1, 2)
        ),
        ConvolutionCase(
            inputs: 2,
            outputs: 3,
            size: (9, 9),
            kernel: (3, 2),
            dilation: (2, 4),
            leading: (3, 3),
            trailing: (0, 1)
        ),
        ConvolutionCase(
            batch: 2,
            inputs: 6,
            outputs: 4,
            groups: 2,
            size: (5, 6),
            kernel: (2, 2),
            stride: (1, 2)
        ),
        ConvolutionCase(
            batch: 2,
            inputs: 5,
            outputs: 5,
            groups: 5,
            size: (6, 19),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(
            inputs: 3,
            outputs: 6,
            groups: 3,
            size: (6, 20),
            kernel: (3, 5),
            stride: (2, 2),
            dilation: (1, 2),
            leading: (0, 4),
            trailing: (2, 3)
        ),
        ConvolutionCase(
            inputs: 40,
            outputs: 7,
            size: (1, 33),
            kernel: (1, 33),
            leading: (0, 5),
            trailing: (0, 5)
        ),
        ConvolutionCase(
            inputs: 130,
            outputs: 14,
            size: (3, 3),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(inputs: 0, outputs: 3, size: (2, 2), kernel: (1, 1)),
        ConvolutionCase(batch: 0, inputs: 2, outputs: 3, size: (2, 2), kernel: (1, 1)),
        ConvolutionCase(inputs: 2, outputs: 2, size: (0, 3), kernel: (1, 1), leading: (2, 0)),
        // Direct, with a stride and without.
        ConvolutionCase(
            batch: 2,
            inputs: 3,
            outputs: 29,
            size: (33, 66),
            kernel: (7, 7),
            stride: (2, 2),
            leading: (3, 3),
            trailing: (3, 3)
        ),
        ConvolutionCase(
            inputs: 2,
            outputs: 13,
            size: (1, 130),
            kernel: (1, 10),
            stride: (1, 5),
            leading: (0, 2)
        ),
        // Direct, few outputs of many inputs: whole tiles, single rows of four registers, tails.
        ConvolutionCase(
            inputs: 8,
            outputs: 8,
            size: (4, 40),
            kernel: (3, 39),
            leading: (1, 19),
            trailing: (1, 19)
        ),
        ConvolutionCase(
            inputs: 32,
            outputs: 1,
            size: (9, 88),
            kernel: (7, 3),
            leading: (3, 1),
            trailing: (3, 1)
        ),
        ConvolutionCase(inputs: 20, outputs: 3, size: (3, 66), kernel: (3, 3), stride: (1, 1)),
        ConvolutionCase(inputs: 20, outputs: 2, size: (3, 250), kernel: (3, 3), stride: (1, 2)),
        // Pixels as rows, for one register of filters.
        ConvolutionCase(inputs: 16, outputs: 16, size: (1, 71), kernel: (1, 8)),
        ConvolutionCase(
            batch: 2,
            inputs: 20,
            outputs: 16,
            size: (9, 10),
            kernel: (3, 2),
            stride: (1, 2),
            leading: (1, 0)
        ),
        // Pixels as rows.
        ConvolutionCase(
            batch: 5,
            inputs: 48,
            outputs: 40,
            size: (7, 7),
            kernel: (3, 3),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(batch: 3, inputs: 70, outputs: 300, size: (5, 7), kernel: (1, 1)),
        ConvolutionCase(
            inputs: 130,
            outputs: 66,
            groups: 2,
            size: (4, 4),
            kernel: (1, 1),
            stride: (2, 2)
        ),
        // Depthwise, a pixel of many channels at a time.
        ConvolutionCase(
            batch: 2,
            inputs: 37,
            outputs: 37,
            groups: 37,
            size: (7, 2),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(
            inputs: 33,
            outputs: 33,
            groups: 33,
            size: (15, 5),
            kernel: (5, 3),
            stride: (2, 2),
            dilation: (1, 2),
            leading: (3, 2),
            trailing: (1, 1)
        ),
        // Depthwise: many rows, long rows, phases, dilation beyond the image.
        ConvolutionCase(
            batch: 2,
            inputs: 19,
            outputs: 19,
            groups: 19,
            size: (14, 14),
            kernel: (3, 3),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(
            inputs: 3,
            outputs: 3,
            groups: 3,
            size: (120, 61),
            kernel: (5, 5),
            leading: (2, 2),
            trailing: (2, 2)
        ),
        ConvolutionCase(
            inputs: 9,
            outputs: 9,
            groups: 9,
            size: (1, 300),
            kernel: (1, 31),
            leading: (0, 15),
            trailing: (0, 15)
        ),
        ConvolutionCase(
            inputs: 4,
            outputs: 4,
            groups: 4,
            size: (9, 9),
            kernel: (4, 3),
            stride: (3, 4),
            dilation: (3, 2),
            leading: (5, 6),
            trailing: (6, 7)
        ),
    ]

    /// Compares with the definition; the order of additions is the method's own.
    private func check(
        _ shape: ConvolutionCase,
        _ numbers: inout Numbers,
        _ context: KernelContext
    ) throws {
        let convolution = try #require(shape.convolution)
        let x = numbers.floats(shape.inputCount)
        let w = numbers.floats(shape.filterCount)
        let b = numbers.floats(shape.outputs)
        let exact = try shape.definition(x, w, b)
        for packs in [true, false] {
            let y = try shape.run(x, w, b, packs: packs, context: context)
            for (index, value) in exact.values.enumerated() {
                let bound = ScalarTwin.bound(
                    depth: convolution.depth + 1,
                    magnitude: exact.magnitudes[index]
                )
                guard abs(Double(y[index]) - value) <= bound else {
                    let method = convolution.method(table: context.table)
                    Issue.record("\(shape) by \(method): \(y[index]) instead of \(value)")
                    return
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `every geometry agrees with the definition`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 41)
        for var shape in Self.cases {
            shape.usesWinograd = false
            try check(shape, &numbers, context)
        }
    }

    @Test(arguments: contexts)
    func `random geometries agree with the definition`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 43)
        for _ in 0..<30 {
            let groups = [1, 1, 1, 2, 5][numbers.int(in: 0..<5)]
            let isDepthwise = numbers.int(in: 0..<3) == 0
            let inputs = groups * (isDepthwise ? 1 : numbers.int(in: 1..<40))
            var shape = ConvolutionCase(
                batch: numbers.int(in: 1..<3),
                inputs: inputs,
                outputs: groups * numbers.int(in: 1..<36),
                groups: groups,
                size: (numbers.int(in: 1..<12), numbers.int(in: 1..<24)),
                kernel: (numbers.int(in: 1..<5), numbers.int(in: 1..<5))
            )
            shape.usesWinograd = false
            shape.stride = (numbers.int(in: 1..<4), numbers.int(in: 1..<4))
            shape.dilation = (numbers.int(in: 1..<4), numbers.int(in: 1..<4))
            shape.leading = (numbers.int(in: 0..<6), numbers.int(in: 0..<6))
            shape.trailing = (numbers.int(in: 0..<6), numbers.int(in: 0..<6))
            guard shape.convolution != nil else { continue }
            try check(shape, &numbers, context)
        }
    }

    @Test func `the geometries above take every plain method`() throws {
        for table in tables {
            var methods: Set<ConvolutionMethod> = []
            for var shape in Self.cases {
                shape.usesWinograd = false
                methods.insert(try #require(shape.convolution).method(table: table))
            }
            var expected: Set<ConvolutionMethod> = [
                .depthwise, .depthwiseChannels, .direct, .pixelColumns, .pixelRows,
            ]
            if table.laneCount >= 8 { expected.insert(.depthwisePlanes) }
            #expect(methods == expected)
        }
    }

    static let batches: [ConvolutionCase] = [
        ConvolutionCase(inputs: 40, outputs: 30, size: (14, 15), kernel: (3, 3), leading: (1, 1)),
        ConvolutionCase(inputs: 3, outputs: 16, size: (14, 32), kernel: (3, 3), leading: (1, 1)),
        ConvolutionCase(inputs: 8, outputs: 8, groups: 8, size: (40, 15), kernel: (3, 3)),
        ConvolutionCase(inputs: 8, outputs: 16, groups: 8, size: (40, 15), kernel: (3, 3)),
        ConvolutionCase(inputs: 64, outputs: 300, size: (7, 7), kernel: (1, 1)),
        ConvolutionCase(inputs: 35, outputs: 35, groups: 35, size: (7, 7), kernel: (3, 5)),
        ConvolutionCase(inputs: 24, outputs: 36, size: (30, 21), kernel: (3, 3), leading: (1, 1)),
        ConvolutionCase(inputs: 48, outputs: 24, groups: 2, size: (12, 12), kernel: (3, 3)),
        ConvolutionCase(inputs: 24, outputs: 36, size: (1, 210), kernel: (1, 3), leading: (0, 1)),
        ConvolutionCase(inputs: 40, outputs: 3, size: (7, 72), kernel: (3, 3), leading: (1, 1)),
        ConvolutionCase(inputs: 24, outputs: 16, size: (1, 90), kernel: (1, 9)),
    ]

    @Test(arguments: tables)
    func `an image has the same bits alone, in a batch, and on any number of threads`(
        _ table: KernelTable
    ) throws {
        var numbers = Numbers(seed: 42)
        for var shape in Self.batches {
            shape.batch = 5
            let image = shape.inputCount / 5
            let x = numbers.floats(5 * image)
            let w = numbers.floats(shape.filterCount)
            let b = numbers.floats(shape.outputs)
            func run(
                _ shape: ConvolutionCase,
                _ x: [Float],
                _ context: KernelContext
            ) throws -> [Float] {
                try shape.run(
                    x,
                    w,
                    b,
                    activation: UnaryOperation(.relu),
                    context: context
                )
            }
            let whole = try run(shape, x, KernelContext(table: table))
            for pool in pools {
                let shared = try run(shape, x, KernelContext(table: table, pool: pool))
                #expect(bits(shared) == bits(whole), "\(shape)")
            }
            shape.batch = 1
            let alone = try run(
                shape,
                Array(x[3 * image..<4 * image]),
                KernelContext(table: table)
            )
            let plane = alone.count
            #expect(bits(alone) == bits(Array(whole[3 * plane..<4 * plane])), "\(shape)")
        }
    }

    @Test(arguments: contexts)
    func `bias, residual and activation follow each other`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 44)
        for shape in Self.batches {
            let x = numbers.floats(shape.inputCount)
            let w = numbers.floats(shape.filterCount)
            let b = numbers.floats(shape.outputs)
            let sum = try shape.run(x, w, b, context: context)
            let residual = numbers.floats(sum.count)
            for operation in [
                UnaryOperation(.relu), UnaryOperation(.clamp, a: -0.5, b: 0.75),
                UnaryOperation(.sigmoid), UnaryOperation(.hardSwish), .identity,
            ] {
                let plain = try shape.run(x, w, b, activation: operation, context: context)
                let added = try shape.run(
                    x,
                    w,
                    b,
                    residual: residual,
                    activation: operation,
                    context: context
                )
                for i in sum.indices where i % 37 == 0 {
                    let first = ScalarTwin.unary(operation, Double(sum[i]))
                    let second = ScalarTwin.unary(operation, Double(sum[i] + residual[i]))
                    #expect(abs(Double(plain[i]) - first) <= 1e-6 * (1 + abs(first)))
                    #expect(abs(Double(added[i]) - second) <= 1e-6 * (1 + abs(second)))
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `a NaN reaches the outputs that see it and no others`(_ context: KernelContext) throws {
        for shape in [
            ConvolutionCase(inputs: 3, outputs: 5, size: (20, 32), kernel: (3, 3), leading: (1, 1)),
            ConvolutionCase(inputs: 5, outputs: 5, groups: 5, size: (20, 32), kernel: (3, 3)),
            ConvolutionCase(inputs: 40, outputs: 5, size: (20, 32), kernel: (3, 3)),
            ConvolutionCase(inputs: 40, outputs: 33, size: (7, 7), kernel: (3, 3)),
        ] {
            var plain = shape
            plain.usesWinograd = false
            let size = try #require(plain.convolution).outputSize
            var x = [Float](repeating: 1, count: shape.inputCount)
            // Channel 2, row 5, column 6.
            x[(2 * shape.size.0 + 5) * shape.size.1 + 6] = .nan
            let w = [Float](repeating: 1, count: shape.filterCount)
            let y = try plain.run(x, w, activation: UnaryOperation(.relu), context: context)
            for m in 0..<shape.outputs {
                for row in 0..<size.height {
                    for column in 0..<size.width {
                        let sees =
                            abs(row + 1 - shape.leading.0 - 5) <= 1
                            && abs(column + 1 - shape.leading.1 - 6) <= 1
                            && (shape.groups == 1 || m == 2)
                        let value = y[(m * size.height + row) * size.width + column]
                        #expect(value.isNaN == sees)
                    }
                }
            }
        }
    }

    @Test func `sizes that do not fit are refused`() {
        let good = ConvolutionCase(inputs: 4, outputs: 4, size: (4, 4), kernel: (2, 2))
        func refused(_ change: (inout ConvolutionCase) -> Void) -> Bool {
            var shape = good
            change(&shape)
            return shape.convolution == nil
        }
        #expect(good.convolution?.outputSize == Window.Extent(height: 3, width: 3))
        #expect(refused { $0.groups = 3 })
        #expect(refused { $0.groups = 0 })
        #expect(
            refused {
                $0.outputs = 3; $0.groups = 2
            }
        )
        #expect(refused { $0.kernel = (5, 1) })
        #expect(refused { $0.kernel = (0, 1) })
        #expect(refused { $0.stride = (0, 1) })
        #expect(refused { $0.dilation = (1, 4) })
        #expect(refused { $0.leading = (-1, 0) })
        #expect(refused { $0.batch = -1 })
    }
}
