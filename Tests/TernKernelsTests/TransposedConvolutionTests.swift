import TernKernels
import TernMicrokernels
import TernThreadPool
import Testing

/// One geometry of a transposed convolution.
struct TransposedCase: CustomStringConvertible {
    var batch = 1
    var inputs: Int
    var outputs: Int
    var groups = 1
    var size: (Int, Int)
    var kernel: (Int, Int)
    var stride = (1, 1)
    var dilation = (1, 1)
    var leading = (0, 0)
    /// What is cut off at the end, or added if it is negative.
    var trailing = (0, 0)

    var description: String {
        "\(batch)x\(inputs)x\(size) k\(kernel) s\(stride) d\(dilation) g\(groups) \(leading) \(trailing)"
    }

    var outputSize: (Int, Int) {
        func axis(_ n: Int, _ k: Int, _ s: Int, _ d: Int, _ cut: Int) -> Int {
            Swift.max(0, (n - 1) * s + (k - 1) * d + 1 - cut)
        }
        return (
            axis(size.0, kernel.0, stride.0, dilation.0, leading.0 + trailing.0),
            axis(size.1, kernel.1, stride.1, dilation.1, leading.1 + trailing.1)
        )
    }

    var convolution: TransposedConvolution? {
        TransposedConvolution(
            batchCount: batch,
            inputChannelCount: inputs,
            outputChannelCount: outputs,
            groupCount: groups,
            inputSize: .init(height: size.0, width: size.1),
            outputSize: .init(height: outputSize.0, width: outputSize.1),
            window: Window(
                kernel: .init(height: kernel.0, width: kernel.1),
                stride: .init(height: stride.0, width: stride.1),
                dilation: .init(height: dilation.0, width: dilation.1),
                leading: .init(height: leading.0, width: leading.1)
            )
        )
    }

    /// Computes it, every operand at the edge of its memory.
    func run(
        _ input: [Float],
        _ filter: [Float],
        _ bias: [Float]?,
        packs: Bool = true,
        context: KernelContext
    ) throws -> [Float] {
        let convolution = try #require(convolution)
        let x = Guarded(input)
        let w = Guarded(filter)
        let b = bias.map { Guarded($0) }
        let y = Guarded<Float>(
            repeating: .nan,
            count: batch * outputs * outputSize.0 * outputSize.1
        )
        let scratch = Scratch(
            convolution.scratchByteCount(context: context, filtersAreLoose: !packs)
        )
        if packs {
            unsafe convolution.run(
                x.read,
                filter: PackedTransposedFilter(
                    elements: w.read,
                    for: convolution,
                    table: context.table
                ),
                bias: b?.read,
                into: y.pointer,
                scratch: scratch.bytes,
                context: context
            )
        } else {
            unsafe convolution.run(
                x.read,
                looseFilter: w.read,
                bias: b?.read,
                into: y.pointer,
                scratch: scratch.bytes,
                context: context
            )
        }
        return y.values
    }

    var inputCount: Int { batch * inputs * size.0 * size.1 }
    var filterCount: Int { inputs * (outputs / groups) * kernel.0 * kernel.1 }

    /// The definition in double precision, and the sum of the magnitudes of each output's terms.
    func definition(_ x: [Float], _ w: [Float], _ bias: [Float]?) -> [(Double, Double)] {
        let plane = outputSize.0 * outputSize.1
        var result = (0..<batch * outputs * plane).map { index in
            let b = Double(bias?[index / plane % outputs] ?? 0)
            return (b, abs(b))
        }
        let filters = outputs / groups
        for n in 0..<batch {
            for c in 0..<inputs {
                let group = c / (inputs / groups)
                for iy in 0..<size.0 {
                    for ix in 0..<size.1 {
                        let value = Double(x[((n * inputs + c) * size.0 + iy) * size.1 + ix])
                        for f in 0..<filters {
                            for ky in 0..<kernel.0 {
                                let y = iy * stride.0 + ky * dilation.0 - leading.0
                                guard y >= 0, y < outputSize.0 else { continue }
                                for kx in 0..<kernel.1 {
                                    let x = ix * stride.1 + kx * dilation.1 - leading.1
                                    guard x >= 0, x < outputSize.1 else { continue }
                                    let tap = ((c * filters + f) * kernel.0 + ky) * kernel.1 + kx
                                    let term = value * Double(w[tap])
                                    let channel = n * outputs + group * filters + f
                                    let place = channel * plane + y * outputSize.1 + x
                                    result[place].0 += term
                                    result[place].1 += abs(term)
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}

@Suite(.takingTurns) struct TransposedConvolutionTests {
    static let cases: [TransposedCase] = [
        TransposedCase(inputs: 1, outputs: 1, size: (1, 1), kernel: (1, 1)),
        TransposedCase(inputs: 2, outputs: 3, size: (3, 3), kernel: (3, 3)),
        TransposedCase(
            batch: 2,
            inputs: 4,
            outputs: 6,
            size: (5, 7),
            kernel: (2, 2),
            stride: (2, 2)
        ),
        TransposedCase(
            inputs: 20,
            outputs: 18,
            size: (8, 9),
            kernel: (4, 4),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        TransposedCase(
            inputs: 3,
            outputs: 2,
            size: (4, 6),
            kernel: (3, 3),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (0, 0)
        ),
        // Outputs that no kernel reaches, within and behind.
        TransposedCase(inputs: 2, outputs: 2, size: (3, 4), kernel: (2, 1), stride: (3, 4)),
        TransposedCase(
            inputs: 2,
            outputs: 2,
            size: (3, 4),
            kernel: (2, 2),
            stride: (2, 3),
            trailing: (-3, -7)
        ),
        // Dilation with and without a common divisor of the stride.
        TransposedCase(
            inputs: 3,
            outputs: 4,
            size: (5, 6),
            kernel: (3, 4),
            stride: (2, 3),
            dilation: (2, 2),
            leading: (1, 4)
        ),
        TransposedCase(
            inputs: 3,
            outputs: 4,
            size: (6, 5),
            kernel: (3, 3),
            stride: (4, 6),
            dilation: (6, 4),
            leading: (5, 3),
            trailing: (2, 1)
        ),
        // More padding than the kernel reaches: inputs at the edges are not seen.
        TransposedCase(
            inputs: 2,
            outputs: 3,
            size: (9, 8),
            kernel: (2, 2),
            leading: (3, 2),
            trailing: (3, 4)
        ),
        TransposedCase(
            inputs: 2,
            outputs: 3,
            size: (9, 8),
            kernel: (3, 3),
            stride: (2, 2),
            leading: (7, 6),
            trailing: (5, 8)
        ),
        TransposedCase(
            batch: 2,
            inputs: 6,
            outputs: 4,
            groups: 2,
            size: (4, 4),
            kernel: (3, 2),
            stride: (2, 1)
        ),
        TransposedCase(
            inputs: 7,
            outputs: 7,
            groups: 7,
            size: (6, 40),
            kernel: (4, 4),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        TransposedCase(
            inputs: 24,
            outputs: 10,
            size: (1, 50),
            kernel: (1, 16),
            stride: (1, 8),
            leading: (0, 4),
            trailing: (0, 4)
        ),
        TransposedCase(inputs: 0, outputs: 2, size: (2, 2), kernel: (2, 2), stride: (2, 2)),
        TransposedCase(batch: 0, inputs: 2, outputs: 2, size: (2, 2), kernel: (2, 2)),
        TransposedCase(inputs: 2, outputs: 1, size: (2, 2), kernel: (1, 1), leading: (2, 0)),
    ]

    @Test(arguments: cases)
    func `every output is the sum of the copies that reach it, and the bias`(
        _ shape: TransposedCase
    ) throws {
        var numbers = Numbers(seed: 3)
        let x = numbers.floats(shape.inputCount)
        let w = numbers.floats(shape.filterCount)
        for bias in [nil, numbers.floats(shape.outputs)] {
            let expected = shape.definition(x, w, bias)
            let terms = Double(shape.inputs * shape.kernel.0 * shape.kernel.1 + 1)
            for context in contexts {
                for packs in [true, false] {
                    let found = try shape.run(x, w, bias, packs: packs, context: context)
                    for (y, (value, magnitude)) in zip(found, expected) {
                        #expect(abs(Double(y) - value) <= 8 * terms * 0x1p-24 * magnitude)
                    }
                    #expect(found.count == expected.count)
                }
            }
        }
    }

    @Test func `an image has the same bits alone, in company and with helpers`() throws {
        var shape = TransposedCase(
            batch: 3,
            inputs: 32,
            outputs: 24,
            size: (12, 12),
            kernel: (4, 4),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (1, 1)
        )
        var numbers = Numbers(seed: 5)
        let x = numbers.floats(shape.inputCount)
        let w = numbers.floats(shape.filterCount)
        for table in tables {
            shape.batch = 3
            let together = try shape.run(x, w, nil, context: KernelContext(table: table))
            for pool in pools {
                let context = KernelContext(table: table, pool: pool)
                #expect(bits(try shape.run(x, w, nil, context: context)) == bits(together))
            }
            shape.batch = 1
            let image = shape.inputCount
            let result = together.count / 3
            for n in 0..<3 {
                let alone = try shape.run(
                    Array(x[n * image..<(n + 1) * image]),
                    w,
                    nil,
                    context: KernelContext(table: table)
                )
                #expect(bits(alone) == bits(Array(together[n * result..<(n + 1) * result])))
            }
        }
    }

    @Test func `what is not a number reaches the outputs that see it, and no other`() throws {
        let shape = TransposedCase(
            inputs: 2,
            outputs: 2,
            size: (5, 5),
            kernel: (2, 2),
            stride: (2, 2)
        )
        var numbers = Numbers(seed: 9)
        var x = numbers.floats(shape.inputCount)
        let w = numbers.floats(shape.filterCount)
        x[2 * 5 + 3] = .nan
        for context in contexts {
            let y = try shape.run(x, w, nil, context: context)
            for (index, value) in y.enumerated() {
                let (row, column) = (index % 100 / 10, index % 10)
                #expect(value.isNaN == ((4...5).contains(row) && (6...7).contains(column)))
            }
        }
    }
}
