import TernKernels
import TernMicrokernels
import Testing

/// Convolutions that read the image in place: depthwise, and with pixels as rows of a product.
@Suite(.takingTurns) struct PlaneConvolutionTests {
    /// Compares a relu of the sums with the definition, or the sums themselves.
    private func check(
        _ shape: ConvolutionCase,
        _ numbers: inout Numbers,
        _ context: KernelContext,
        bounded: Bool = false
    ) throws {
        let x = numbers.floats(shape.inputCount)
        let w = numbers.floats(shape.filterCount)
        let b = numbers.floats(shape.outputs)
        let exact = try shape.definition(x, w, b)
        let activation = bounded ? UnaryOperation(.clamp, a: -0.5, b: 0.75) : .identity
        let depth = try #require(shape.convolution).depth
        for packs in [true, false] {
            let y = try shape.run(x, w, b, activation: activation, packs: packs, context: context)
            for (index, value) in exact.values.enumerated() {
                let bound = ScalarTwin.bound(depth: depth + 1, magnitude: exact.magnitudes[index])
                let expected = bounded ? min(0.75, max(-0.5, value)) : value
                guard abs(Double(y[index]) - expected) <= bound else {
                    Issue.record("\(shape): \(y[index]) instead of \(expected)")
                    return
                }
            }
        }
    }

    private func depthwise(
        _ channels: Int,
        _ size: (Int, Int),
        kernel: (Int, Int) = (3, 3),
        stride: Int = 1
    ) -> ConvolutionCase {
        ConvolutionCase(
            inputs: channels,
            outputs: channels,
            groups: channels,
            size: size,
            kernel: kernel,
            stride: (stride, stride),
            leading: (1, 1),
            trailing: (1, 1)
        )
    }

    @Test(arguments: contexts)
    func `a plane of any height and width is read in place`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 51)
        let widths = [1, 3, 4, 5, 7, 8, 9, 14, 15, 16, 17, 18, 28, 31, 32, 33, 34, 49, 65]
        for (index, width) in widths.enumerated() {
            for height in [2, 3 + index % 5, 8 + index, 57 * (index % 7 / 6)] where height > 0 {
                for stride in [1, 2] {
                    let shape = depthwise(2, (height, width), stride: stride)
                    try check(shape, &numbers, context, bounded: index.isMultiple(of: 2))
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `kernels of any size are taken three rows at a time`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 52)
        for kernel in [(2, 2), (2, 5), (3, 1), (4, 3), (5, 5), (6, 2), (7, 7)] {
            for size in [(9, 12), (16, 40)] {
                var shape = depthwise(3, size, kernel: kernel)
                shape.leading = (kernel.0 / 2, kernel.1)
                shape.trailing = (kernel.0, kernel.1 / 2)
                try check(shape, &numbers, context)
                shape.dilation = (1, 2)
                try check(shape, &numbers, context)
                // Two output channels for each plane.
                shape.outputs = 6
                try check(shape, &numbers, context)
            }
        }
    }

    @Test(arguments: contexts)
    func `padding may be wider than the kernel and the plane`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 53)
        for padding in [0, 2, 5, 40] {
            for stride in [1, 2] {
                var shape = depthwise(2, (6, 5), stride: stride)
                shape.leading = (padding, stride == 2 ? 1 : padding)
                shape.trailing = (padding, padding)
                try check(shape, &numbers, context)
            }
        }
    }

    @Test(arguments: contexts)
    func `two rows of a small plane share a register`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 54)
        for height in 1...7 {
            for width in 4...7 {
                var shape = depthwise(19, (height, width))
                let convolution = try #require(shape.convolution)
                if context.table.laneCount == 16 {
                    #expect(convolution.method(table: context.table) == .depthwisePairs)
                }
                try check(shape, &numbers, context, bounded: height.isMultiple(of: 2))
                shape.batch = 2
                try check(shape, &numbers, context)
            }
        }
    }

    static let strided: [ConvolutionCase] = [
        ConvolutionCase(
            inputs: 64,
            outputs: 40,
            size: (9, 60),
            kernel: (3, 3),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        // Channels that don't fill registers, or would share lines of the cache.
        ConvolutionCase(
            batch: 2,
            inputs: 43,
            outputs: 40,
            size: (5, 51),
            kernel: (2, 3),
            stride: (1, 2),
            leading: (0, 2)
        ),
        ConvolutionCase(
            inputs: 256,
            outputs: 35,
            size: (3, 50),
            kernel: (3, 3),
            stride: (2, 2),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(
            inputs: 96,
            outputs: 33,
            size: (1, 421),
            kernel: (1, 3),
            stride: (1, 2),
            leading: (0, 1),
            trailing: (0, 1)
        ),
        ConvolutionCase(
            inputs: 112,
            outputs: 33,
            size: (1, 120),
            kernel: (1, 3),
            stride: (1, 3),
            dilation: (1, 2),
            leading: (0, 1)
        ),
    ]

    @Test(arguments: contexts)
    func `strided patches of long rows are read where they are`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 55)
        for shape in Self.strided {
            let method = try #require(shape.convolution).method(table: context.table)
            #expect(method == .pixelRows, "\(shape)")
            try check(shape, &numbers, context)
        }
    }

    @Test(arguments: tables)
    func `threads and companions change no bit`(_ table: KernelTable) throws {
        var numbers = Numbers(seed: 56)
        let shapes =
            [
                depthwise(40, (7, 7)), depthwise(5, (20, 33)), depthwise(3, (130, 17)),
                depthwise(5, (21, 34), stride: 2),
            ] + Self.strided
        for var shape in shapes {
            shape.batch = 3
            let image = shape.inputCount / 3
            let x = numbers.floats(3 * image)
            let w = numbers.floats(shape.filterCount)
            let b = numbers.floats(shape.outputs)
            let whole = try shape.run(x, w, b, context: KernelContext(table: table))
            for pool in pools {
                let context = KernelContext(table: table, pool: pool)
                #expect(bits(try shape.run(x, w, b, context: context)) == bits(whole), "\(shape)")
            }
            shape.batch = 1
            let own = Array(x[2 * image..<3 * image])
            let alone = try shape.run(own, w, b, context: KernelContext(table: table))
            #expect(bits(alone) == bits(Array(whole.suffix(alone.count))), "\(shape)")
        }
    }

    @Test(arguments: contexts)
    func `a NaN or an infinity reaches the outputs that see it`(_ context: KernelContext) throws {
        for (size, stride) in [((7, 7), 1), ((20, 33), 1), ((20, 33), 2), ((5, 35), 2)] {
            let shape = depthwise(5, size, stride: stride)
            let output = try #require(shape.convolution).outputSize
            for special in [Float.nan, .infinity] {
                for place in [(0, 0), (4, size.1 - 1), (3, 5), (size.0 - 1, 6)] {
                    var x = [Float](repeating: 1, count: shape.inputCount)
                    x[(2 * size.0 + place.0) * size.1 + place.1] = special
                    let w = [Float](repeating: 1, count: shape.filterCount)
                    let y = try shape.run(
                        x,
                        w,
                        activation: UnaryOperation(.relu),
                        context: context
                    )
                    for index in y.indices {
                        let (line, column) = index.quotientAndRemainder(dividingBy: output.width)
                        let (channel, row) = line.quotientAndRemainder(dividingBy: output.height)
                        let sees =
                            channel == 2 && abs(stride * row - place.0) <= 1
                            && abs(stride * column - place.1) <= 1
                        #expect(y[index].isFinite != sees)
                    }
                }
            }
        }
    }
}
