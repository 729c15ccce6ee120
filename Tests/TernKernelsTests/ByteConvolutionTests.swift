import TernKernels
import TernMicrokernels
import TernThreadPool
import Testing

@Suite(.takingTurns) struct ByteConvolutionTests {
    /// Computes a convolution, every operand at the edge of its memory.
    static func run(
        _ shape: ConvolutionCase,
        _ operands: ByteConvolutionOperands,
        bytes scaling: ByteRequantization? = nil,
        outputIsSigned: Bool = false,
        packs: Bool = true,
        context: KernelContext
    ) throws -> [Int32] {
        let sizes = try #require(shape.convolution)
        let convolution = ByteConvolution(sizes)
        let x = Guarded(operands.x.map { UInt8(truncatingIfNeeded: $0) })
        let w = Guarded(operands.w.map { UInt8(truncatingIfNeeded: $0) })
        let zeros = Guarded(operands.filterZeros)
        let bias = operands.bias.map { Guarded($0) }
        let count =
            shape.batch * shape.outputs * sizes.outputSize.height * sizes.outputSize.width
        let sums = Guarded<Int32>(repeating: 0x5555_5555, count: scaling == nil ? count : 0)
        let bytes = Guarded<UInt8>(repeating: 0x55, count: scaling == nil ? 0 : count)
        let scratch = Scratch(
            convolution.scratchByteCount(context: context, filtersAreLoose: !packs)
        )
        let filter = unsafe ByteFilter(
            w.read,
            isSigned: operands.filtersAreSigned,
            zeroPoints: zeros.read
        )
        let filters =
            unsafe packs
            ? ByteConvolution.Filters.packed(
                PackedByteFilter(filter, for: sizes, table: context.table)
            ) : .loose(filter)
        let result =
            unsafe scaling.map { unsafe .bytes(bytes.pointer, $0) }
            ?? ByteConvolution.Result.integers(sums.pointer)
        unsafe convolution.run(
            ByteImage(
                x.read,
                isSigned: operands.imageIsSigned,
                zeroPoint: operands.imageZero
            ),
            filters: filters,
            bias: bias?.read,
            into: result,
            scratch: scratch.bytes,
            context: context
        )
        guard scaling != nil else { return sums.values }
        return bytes.values.map {
            outputIsSigned ? Int32(Int8(bitPattern: $0)) : Int32($0)
        }
    }

    static let cases: [ConvolutionCase] =
        ConvolutionTests.cases + [
            // Every remainder of filters by blocks, and of channels by quads.
            ConvolutionCase(inputs: 4, outputs: 12, size: (4, 8), kernel: (1, 1)),
            ConvolutionCase(inputs: 5, outputs: 17, size: (5, 13), kernel: (1, 1)),
            ConvolutionCase(batch: 2, inputs: 6, outputs: 20, size: (7, 7), kernel: (1, 1)),
            ConvolutionCase(inputs: 7, outputs: 25, size: (1, 64), kernel: (1, 1)),
            ConvolutionCase(
                inputs: 8,
                outputs: 9,
                size: (7, 7),
                kernel: (3, 3),
                leading: (1, 1),
                trailing: (1, 1)
            ),
            ConvolutionCase(
                inputs: 9,
                outputs: 24,
                size: (14, 14),
                kernel: (3, 3),
                stride: (2, 2),
                leading: (0, 0),
                trailing: (1, 1)
            ),
            ConvolutionCase(
                inputs: 4,
                outputs: 4,
                size: (9, 30),
                kernel: (2, 5),
                stride: (3, 3),
                dilation: (2, 2),
                leading: (1, 2),
                trailing: (2, 3)
            ),
            // A few positions more than registers hold.
            ConvolutionCase(inputs: 5, outputs: 13, size: (1, 18), kernel: (1, 1)),
            ConvolutionCase(inputs: 5, outputs: 12, size: (1, 35), kernel: (1, 1)),
            ConvolutionCase(inputs: 5, outputs: 24, size: (1, 20), kernel: (1, 1)),
            // One channel, windows of which are quads.
            ConvolutionCase(
                batch: 2,
                inputs: 20,
                outputs: 20,
                groups: 20,
                size: (14, 14),
                kernel: (5, 5),
                leading: (2, 2),
                trailing: (2, 2)
            ),
            ConvolutionCase(
                inputs: 6,
                outputs: 12,
                groups: 6,
                size: (33, 70),
                kernel: (3, 3),
                stride: (2, 2),
                leading: (0, 0),
                trailing: (1, 1)
            ),
            ConvolutionCase(
                inputs: 2,
                outputs: 2,
                groups: 2,
                size: (20, 41),
                kernel: (3, 5),
                stride: (5, 5),
                dilation: (3, 1),
                leading: (3, 2),
                trailing: (1, 2)
            ),
            ConvolutionCase(
                inputs: 3,
                outputs: 3,
                groups: 3,
                size: (12, 40),
                kernel: (3, 3),
                dilation: (2, 3),
                leading: (2, 3),
                trailing: (2, 3)
            ),
            ConvolutionCase(
                inputs: 2,
                outputs: 10,
                size: (1, 200),
                kernel: (1, 9),
                stride: (1, 4),
                leading: (0, 4),
                trailing: (0, 4)
            ),
            // Images narrower than their padding.
            ConvolutionCase(
                inputs: 4,
                outputs: 5,
                size: (1, 2),
                kernel: (3, 3),
                leading: (4, 6),
                trailing: (4, 6)
            ),
            ConvolutionCase(
                inputs: 1,
                outputs: 2,
                size: (2, 1),
                kernel: (3, 3),
                leading: (2, 5),
                trailing: (2, 5)
            ),
            // Groups of several filters of several channels, and several bands.
            ConvolutionCase(
                batch: 2,
                inputs: 12,
                outputs: 26,
                groups: 2,
                size: (10, 12),
                kernel: (3, 3),
                leading: (1, 1),
                trailing: (1, 1)
            ),
            ConvolutionCase(
                inputs: 64,
                outputs: 13,
                size: (40, 40),
                kernel: (3, 3),
                leading: (1, 1),
                trailing: (1, 1)
            ),
        ]

    @Test(arguments: cases)
    func `sums of bytes are exact, signed and not, with zero points and padding that is one`(
        _ shape: ConvolutionCase
    ) throws {
        let size = try #require(shape.convolution).outputSize
        for (imageIsSigned, filtersAreSigned) in [
            (false, true), (false, false), (true, true), (true, false),
        ] {
            for filterZeros in [false, true] {
                let operands = ByteConvolutionOperands(
                    shape,
                    imageIsSigned: imageIsSigned,
                    filtersAreSigned: filtersAreSigned,
                    filterZeros: filterZeros,
                    hasBias: imageIsSigned || filterZeros
                )
                let expected = ScalarTwin.byteConvolution(shape, size, operands)
                for context in contexts {
                    let packed = try Self.run(shape, operands, context: context)
                    #expect(packed == expected, "\(context.table.name)")
                }
            }
        }
    }

    @Test(arguments: cases)
    func `sums become bytes in the range that is left, per channel, ties to even`(
        _ shape: ConvolutionCase
    ) throws {
        let size = try #require(shape.convolution).outputSize
        let plane = Swift.max(size.height * size.width, 1)
        for isSigned in [false, true] {
            let operands = ByteConvolutionOperands(
                shape,
                imageIsSigned: isSigned,
                filtersAreSigned: isSigned,
                filterZeros: !isSigned,
                seed: 7
            )
            let depth = Float(Swift.max(shape.filterCount / shape.outputs, 1))
            // Powers of two make ties.
            let factors = Guarded(
                (0..<shape.outputs).map {
                    Float(sign: .plus, exponent: -8 - $0 % 5, significand: 1)
                }
                .map { $0 / Float(sign: .plus, exponent: depth.exponent / 2, significand: 1) }
            )
            var scaling = unsafe ByteRequantization(
                factors: factors.read,
                zeroPoint: isSigned ? -7 : 100,
                isSigned: isSigned
            )
            if !isSigned { scaling.lowest = 100 }
            let expected = ScalarTwin.byteConvolution(shape, size, operands).enumerated().map {
                ScalarTwin.requantize(
                    $1,
                    factors[$0 / plane % shape.outputs],
                    zeroPoint: scaling.zeroPoint,
                    range: scaling.lowest...scaling.highest
                )
            }
            for context in contexts {
                for packs in [true, false] {
                    let found = try Self.run(
                        shape,
                        operands,
                        bytes: scaling,
                        outputIsSigned: isSigned,
                        packs: packs,
                        context: context
                    )
                    #expect(found == expected, "\(context.table.name)")
                }
            }
        }
    }

    @Test func `a factor that is NaN makes the lowest byte, an infinite one the ends`() throws {
        let shape = ConvolutionCase(inputs: 4, outputs: 2, size: (2, 40), kernel: (1, 1))
        let operands = ByteConvolutionOperands(
            shape,
            imageIsSigned: false,
            filtersAreSigned: true,
            filterZeros: false
        )
        let size = try #require(shape.convolution).outputSize
        let sums = ScalarTwin.byteConvolution(shape, size, operands)
        for context in contexts {
            for factor in [Float.nan, .infinity, -.infinity] {
                let scaling = unsafe ByteRequantization(
                    factor: factor,
                    zeroPoint: 9,
                    isSigned: false
                )
                let found = try Self.run(shape, operands, bytes: scaling, context: context)
                for (sum, byte) in zip(sums, found) where sum != 0 {
                    let isHigh = !factor.isNaN && (sum > 0) == (factor > 0)
                    #expect(byte == (isHigh ? 255 : 0))
                }
            }
        }
    }

    @Test func `helpers change nothing`() throws {
        for shape in [
            ConvolutionCase(
                batch: 2,
                inputs: 32,
                outputs: 61,
                size: (20, 20),
                kernel: (3, 3),
                leading: (1, 1),
                trailing: (1, 1)
            ),
            ConvolutionCase(inputs: 96, outputs: 96, groups: 96, size: (40, 40), kernel: (3, 3)),
        ] {
            let operands = ByteConvolutionOperands(
                shape,
                imageIsSigned: false,
                filtersAreSigned: false,
                filterZeros: true
            )
            for table in tables {
                let alone = try Self.run(
                    shape,
                    operands,
                    context: KernelContext(table: table)
                )
                for pool in pools {
                    let context = KernelContext(table: table, pool: pool)
                    #expect(try Self.run(shape, operands, context: context) == alone)
                }
            }
        }
    }
}
