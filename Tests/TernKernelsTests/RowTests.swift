import Glibc
import TernKernels
import TernMicrokernels
import Testing

/// Softmax and normalisations.
@Suite(.takingTurns) struct RowTests {
    static let shapes = [
        (1, 1, 1), (3, 10, 1), (2, 67, 1), (2, 5, 3), (1, 7, 70), (0, 3, 1), (2, 1500, 1),
    ]

    @Test(arguments: contexts)
    func `softmax agrees with the definition along any axis, in place`(_ context: KernelContext) {
        var numbers = Numbers(seed: 61)
        for (outer, axis, inner) in Self.shapes {
            for isLogarithmic in [false, true] {
                let values = numbers.floats(outer * axis * inner, in: -20...20)
                let y = Guarded(values)
                unsafe Softmax.apply(
                    y.read,
                    into: y.pointer,
                    outer: outer,
                    axis: axis,
                    inner: inner,
                    isLogarithmic: isLogarithmic,
                    context: context
                )
                for o in 0..<outer {
                    for i in 0..<inner {
                        let indices = (0..<axis).map { (o * axis + $0) * inner + i }
                        let largest = indices.map { Double(values[$0]) }.max()!
                        let sum = indices.reduce(0.0) { $0 + exp(Double(values[$1]) - largest) }
                        for index in indices {
                            let shifted = Double(values[index]) - largest
                            if isLogarithmic {
                                #expect(abs(Double(y[index]) - (shifted - log(sum))) < 1e-5)
                            } else {
                                let exact = exp(shifted) / sum
                                #expect(abs(Double(y[index]) - exact) <= 4e-6 * exact + 1e-38)
                            }
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `softmax survives large values and passes NaN on`(_ context: KernelContext) {
        for inner in [1, 2] {
            var values = [Float]()
            let rows: [[Float]] = [
                [1e38, 1e38, -1e38], [-.infinity, 0, 0], [.nan, 0, 0],
                [-.infinity, -.infinity, -.infinity],
            ]
            for row in rows {
                for v in row { for _ in 0..<inner { values.append(v) } }
            }
            let y = Guarded(values)
            unsafe Softmax.apply(
                y.read,
                into: y.pointer,
                outer: 4,
                axis: 3,
                inner: inner,
                context: context
            )
            let first = stride(from: 0, to: y.count, by: inner).map { y[$0] }
            #expect(first[0..<6] == [0.5, 0.5, 0, 0, 0.5, 0.5])
            #expect(first[6...].allSatisfy { $0.isNaN })
        }
    }

    @Test(arguments: contexts)
    func `layer and root mean square normalisation agree with the definition`(
        _ context: KernelContext
    ) {
        var numbers = Numbers(seed: 62)
        for (rows, count) in [(1, 1), (3, 5), (2, 64), (5, 131), (1, 768)] {
            let x = Guarded(numbers.floats(rows * count, in: -3...5))
            let scale = Guarded(numbers.floats(count))
            let bias = Guarded(numbers.floats(count))
            let y = Guarded<Float>(repeating: 0, count: rows * count)
            let means = Guarded<Float>(repeating: 0, count: rows)
            let inverse = Guarded<Float>(repeating: 0, count: rows)
            let rms = Guarded<Float>(repeating: 0, count: rows * count)
            unsafe Normalization.layer(
                x.read,
                into: y.pointer,
                rowCount: rows,
                count: count,
                scale: scale.read,
                bias: bias.read,
                epsilon: 1e-5,
                means: means.pointer,
                inverseDeviations: inverse.pointer,
                context: context
            )
            unsafe Normalization.rootMeanSquare(
                x.read,
                into: rms.pointer,
                rowCount: rows,
                count: count,
                scale: nil,
                epsilon: 1e-5,
                context: context
            )
            for r in 0..<rows {
                let row = (0..<count).map { Double(x[r * count + $0]) }
                let mean = row.reduce(0, +) / Double(count)
                let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
                let square = row.reduce(0) { $0 + $1 * $1 } / Double(count)
                let factor = 1 / (variance + 1e-5).squareRoot()
                #expect(abs(Double(means[r]) - mean) < 1e-5)
                #expect(abs(Double(inverse[r]) - factor) < 1e-5 * factor)
                for i in 0..<count {
                    let exact = (row[i] - mean) * factor * Double(scale[i]) + Double(bias[i])
                    #expect(abs(Double(y[r * count + i]) - exact) < 2e-5)
                    let other = row[i] / (square + 1e-5).squareRoot()
                    #expect(abs(Double(rms[r * count + i]) - other) < 1e-5)
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `group and batch normalisation agree with the definition`(_ context: KernelContext) {
        var numbers = Numbers(seed: 63)
        for (batch, channels, spatial, groups) in [
            (2, 6, 35, 3), (1, 4, 1, 4), (3, 37, 1, 1), (2, 3, 100, 3),
        ] {
            let count = batch * channels * spatial
            let x = Guarded(numbers.floats(count, in: -3...5))
            let scale = Guarded(numbers.floats(channels))
            let bias = Guarded(numbers.floats(channels))
            let mean = Guarded(numbers.floats(channels))
            let variance = Guarded(numbers.floats(channels, in: 0.1...2))
            let y = Guarded<Float>(repeating: 0, count: count)
            let z = Guarded<Float>(repeating: 0, count: count)
            unsafe Normalization.group(
                x.read,
                into: y.pointer,
                batchCount: batch,
                channelCount: channels,
                spatialCount: spatial,
                groupCount: groups,
                scale: scale.read,
                bias: bias.read,
                epsilon: 1e-3,
                context: context
            )
            unsafe Normalization.batch(
                x.read,
                into: z.pointer,
                batchCount: batch,
                channelCount: channels,
                spatialCount: spatial,
                scale: scale.read,
                bias: bias.read,
                mean: mean.read,
                variance: variance.read,
                epsilon: 1e-3,
                context: context
            )
            let size = channels / groups * spatial
            for index in 0..<count {
                let group = index / size
                let values = (0..<size).map { Double(x[group * size + $0]) }
                let average = values.reduce(0, +) / Double(size)
                let spread =
                    values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(size)
                let channel = index / spatial % channels
                let exact =
                    (Double(x[index]) - average) / (spread + 1e-3).squareRoot()
                    * Double(scale[channel]) + Double(bias[channel])
                #expect(abs(Double(y[index]) - exact) < 5e-5)
                let other =
                    (Double(x[index]) - Double(mean[channel]))
                    / (Double(variance[channel]) + 1e-3).squareRoot() * Double(scale[channel])
                    + Double(bias[channel])
                #expect(abs(Double(z[index]) - other) < 2e-5)
            }
        }
    }

    @Test(arguments: contexts)
    func `local response normalisation sums over neighbouring channels`(_ context: KernelContext) {
        var numbers = Numbers(seed: 64)
        let (channels, spatial) = (7, 19)
        let x = Guarded(numbers.floats(2 * channels * spatial))
        for size in [1, 3, 4] {
            let y = Guarded<Float>(repeating: 0, count: x.count)
            unsafe Normalization.localResponse(
                x.read,
                into: y.pointer,
                batchCount: 2,
                channelCount: channels,
                spatialCount: spatial,
                size: size,
                alpha: 0.5,
                beta: 0.75,
                bias: 2,
                context: context
            )
            for index in 0..<x.count {
                let channel = index / spatial % channels
                var sum = 0.0
                for c in Swift.max(
                    0,
                    channel - (size - 1) / 2
                )...Swift.min(channels - 1, channel + size / 2) {
                    let v = Double(x[index + (c - channel) * spatial])
                    sum += v * v
                }
                let exact = Double(x[index]) / pow(2 + 0.5 / Double(size) * sum, 0.75)
                #expect(abs(Double(y[index]) - exact) < 1e-6)
            }
        }
    }

    @Test(arguments: tables)
    func `a row has the same bits alone and in a batch on any number of threads`(
        _ table: KernelTable
    ) {
        var numbers = Numbers(seed: 65)
        let (rows, count) = (64, 771)
        let x = Guarded(numbers.floats(rows * count))
        func normalized(_ x: Guarded<Float>, _ rows: Int, _ context: KernelContext) -> [UInt32] {
            let y = Guarded<Float>(repeating: 0, count: rows * count)
            unsafe Normalization.layer(
                x.read,
                into: y.pointer,
                rowCount: rows,
                count: count,
                scale: nil,
                bias: nil,
                epsilon: 1e-5,
                context: context
            )
            unsafe Softmax.apply(
                y.read,
                into: y.pointer,
                outer: rows,
                axis: count,
                inner: 1,
                context: context
            )
            return bits(y.values)
        }
        let whole = normalized(x, rows, KernelContext(table: table))
        for pool in pools {
            #expect(normalized(x, rows, KernelContext(table: table, pool: pool)) == whole)
        }
        let alone = normalized(
            Guarded(Array(x.values[7 * count..<8 * count])),
            1,
            KernelContext(table: table)
        )
        #expect(alone == Array(whole[7 * count..<8 * count]))
    }
}
