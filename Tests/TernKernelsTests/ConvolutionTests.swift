import TernKernels
import TernMicrokernels
import Testing

@Suite struct ConvolutionTests {
    struct Case: CustomStringConvertible {
        var batch = 1
        var inputs: Int
        var outputs: Int
        var groups = 1
        var size: (Int, Int)
        var kernel: (Int, Int)
        var stride = (1, 1)
        var dilation = (1, 1)
        var leading = (0, 0)
        var trailing = (0, 0)

        var window: Window {
            Window(
                kernel: .init(height: kernel.0, width: kernel.1),
                stride: .init(height: stride.0, width: stride.1),
                dilation: .init(height: dilation.0, width: dilation.1),
                leading: .init(height: leading.0, width: leading.1),
                trailing: .init(height: trailing.0, width: trailing.1)
            )
        }

        var convolution: Convolution? {
            Convolution(
                batchCount: batch,
                inputChannelCount: inputs,
                outputChannelCount: outputs,
                groupCount: groups,
                inputSize: .init(height: size.0, width: size.1),
                window: window
            )
        }

        var description: String {
            "\(batch)x\(inputs)x\(size) k\(kernel) s\(stride) d\(dilation) g\(groups)"
        }
    }

    static let cases: [Case] = [
        Case(inputs: 1, outputs: 1, size: (1, 1), kernel: (1, 1)),
        Case(
            batch: 2,
            inputs: 3,
            outputs: 5,
            size: (8, 8),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        Case(batch: 3, inputs: 4, outputs: 13, size: (7, 9), kernel: (1, 1)),
        Case(
            inputs: 2,
            outputs: 30,
            size: (11, 40),
            kernel: (5, 3),
            stride: (2, 3),
            leading: (2, 0),
            trailing: (1, 2)
        ),
        Case(
            inputs: 2,
            outputs: 3,
            size: (9, 9),
            kernel: (3, 2),
            dilation: (2, 4),
            leading: (3, 3),
            trailing: (0, 1)
        ),
        Case(
            batch: 2,
            inputs: 6,
            outputs: 4,
            groups: 2,
            size: (5, 6),
            kernel: (2, 2),
            stride: (1, 2)
        ),
        Case(
            batch: 2,
            inputs: 5,
            outputs: 5,
            groups: 5,
            size: (6, 19),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        Case(
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
        Case(
            inputs: 40,
            outputs: 7,
            size: (1, 33),
            kernel: (1, 33),
            leading: (0, 5),
            trailing: (0, 5)
        ),
        Case(
            inputs: 130,
            outputs: 14,
            size: (3, 3),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        Case(inputs: 0, outputs: 3, size: (2, 2), kernel: (1, 1)),
        Case(batch: 0, inputs: 2, outputs: 3, size: (2, 2), kernel: (1, 1)),
        Case(inputs: 2, outputs: 2, size: (0, 3), kernel: (1, 1), leading: (2, 0)),
    ]

    func run(
        _ shape: Case,
        _ input: [Float],
        _ filter: [Float],
        _ bias: [Float]?,
        activation: UnaryOperation = .identity,
        packs: Bool = true,
        context: KernelContext
    ) throws -> [Float] {
        let convolution = try #require(shape.convolution)
        let x = Guarded(input)
        let w = Guarded(filter)
        let b = bias.map { Guarded($0) }
        let size = convolution.outputSize
        let y = Guarded<Float>(
            repeating: .nan,
            count: shape.batch * shape.outputs * size.height * size.width
        )
        let scratch = Scratch(convolution.scratchByteCount(context: context))
        if packs {
            let packed = unsafe PackedFilter(
                elements: w.read,
                outputChannelCount: shape.outputs,
                depth: convolution.depth,
                table: context.table
            )
            unsafe convolution.run(
                x.read,
                filter: packed,
                bias: b?.read,
                into: y.pointer,
                activation: activation,
                scratch: scratch.bytes,
                context: context
            )
        } else {
            unsafe convolution.run(
                x.read,
                filter: w.read,
                bias: b?.read,
                into: y.pointer,
                activation: activation,
                scratch: scratch.bytes,
                context: context
            )
        }
        return y.values
    }

    @Test(arguments: contexts)
    func `every geometry agrees with the definition`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 41)
        for shape in Self.cases {
            let convolution = try #require(shape.convolution)
            let x = numbers.floats(shape.batch * shape.inputs * shape.size.0 * shape.size.1)
            let w = numbers.floats(shape.outputs * convolution.depth)
            let b = numbers.floats(shape.outputs)
            let y = try run(shape, x, w, b, context: context)
            let size = convolution.outputSize
            let filters = shape.outputs / shape.groups
            let channels = shape.inputs / shape.groups
            var index = 0
            for n in 0..<shape.batch {
                for m in 0..<shape.outputs {
                    for oy in 0..<size.height {
                        for ox in 0..<size.width {
                            var sum = Double(b[m])
                            var magnitude = abs(sum)
                            for c in 0..<channels {
                                for ky in 0..<shape.kernel.0 {
                                    for kx in 0..<shape.kernel.1 {
                                        let iy =
                                            oy * shape.stride.0 + ky * shape.dilation.0
                                            - shape.leading.0
                                        let ix =
                                            ox * shape.stride.1 + kx * shape.dilation.1
                                            - shape.leading.1
                                        guard iy >= 0, iy < shape.size.0, ix >= 0, ix < shape.size.1
                                        else { continue }
                                        let channel = n * shape.inputs + m / filters * channels + c
                                        let pixel = x[
                                            (channel * shape.size.0 + iy) * shape.size.1 + ix
                                        ]
                                        let tap =
                                            ((m * channels + c) * shape.kernel.0 + ky)
                                            * shape.kernel.1 + kx
                                        let product = Double(pixel) * Double(w[tap])
                                        sum += product
                                        magnitude += abs(product)
                                    }
                                }
                            }
                            let bound = ScalarTwin.bound(
                                depth: convolution.depth + 1,
                                magnitude: magnitude
                            )
                            guard abs(Double(y[index]) - sum) <= bound else {
                                Issue.record("\(shape): \(y[index]) instead of \(sum)")
                                return
                            }
                            index += 1
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: tables)
    func `an image has the same bits alone, in a batch, and on any number of threads`(
        _ table: KernelTable
    ) throws {
        var numbers = Numbers(seed: 42)
        for groups in [1, 8] {
            var shape = Case(
                batch: 5,
                inputs: 8,
                outputs: 16,
                groups: groups,
                size: (14, 15),
                kernel: (3, 3),
                leading: (1, 1),
                trailing: (1, 1)
            )
            let convolution = try #require(shape.convolution)
            let image = 8 * 14 * 15
            let x = numbers.floats(5 * image)
            let w = numbers.floats(16 * convolution.depth)
            let b = numbers.floats(16)
            let whole = try run(
                shape,
                x,
                w,
                b,
                activation: .relu,
                context: KernelContext(table: table)
            )
            for pool in pools {
                let shared = try run(
                    shape,
                    x,
                    w,
                    b,
                    activation: .relu,
                    packs: false,
                    context: KernelContext(table: table, pool: pool)
                )
                #expect(bits(shared) == bits(whole))
            }
            shape.batch = 1
            let alone = try run(
                shape,
                Array(x[3 * image..<4 * image]),
                w,
                b,
                activation: .relu,
                context: KernelContext(table: table)
            )
            let plane = alone.count
            #expect(bits(alone) == bits(Array(whole[3 * plane..<4 * plane])))
        }
    }

    @Test func `activations follow the bias`() throws {
        let shape = Case(inputs: 1, outputs: 1, size: (1, 3), kernel: (1, 1))
        for context in contexts {
            let y = try run(
                shape,
                [-1, 0, 1],
                [2],
                [0.5],
                activation: UnaryOperation(.sigmoid),
                context: context
            )
            for (value, exact) in zip(y, [-1.5, 0.5, 2.5]) {
                #expect(ulps(value, exact: ScalarTwin.unary(UnaryOperation(.sigmoid), exact)) <= 3)
            }
        }
    }

    @Test func `sizes that do not fit are refused`() {
        let good = Case(inputs: 4, outputs: 4, size: (4, 4), kernel: (2, 2))
        func refused(_ change: (inout Case) -> Void) -> Bool {
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
