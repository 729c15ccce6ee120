import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct PoolingTests {
    static let windows: [(Window.Extent, Window, Bool)] = {
        func extent(_ height: Int, _ width: Int) -> Window.Extent {
            .init(height: height, width: width)
        }
        return [
            (extent(8, 8), Window(kernel: extent(2, 2), stride: extent(2, 2)), false),
            (
                extent(7, 37),
                Window(kernel: extent(3, 3), leading: extent(1, 1), trailing: extent(1, 1)), false
            ),
            (extent(7, 8), Window(kernel: extent(3, 3), stride: extent(2, 2)), true),
            (
                extent(9, 9),
                Window(
                    kernel: extent(2, 3),
                    stride: extent(3, 2),
                    dilation: extent(2, 3),
                    leading: extent(1, 2),
                    trailing: extent(0, 1)
                ), true
            ),
            (
                extent(1, 40),
                Window(
                    kernel: extent(1, 5),
                    stride: extent(1, 3),
                    leading: extent(0, 2),
                    trailing: extent(0, 2)
                ), false
            ),
            (extent(4, 4), Window(kernel: extent(4, 4)), false),
            // Rows that fit a register, with and without a lane to spare.
            (
                extent(6, 3),
                Window(kernel: extent(3, 3), leading: extent(1, 1), trailing: extent(1, 1)), false
            ),
            (extent(9, 16), Window(kernel: extent(3, 2), stride: extent(2, 2)), false),
            (
                extent(5, 15),
                Window(
                    kernel: extent(2, 4),
                    stride: extent(1, 3),
                    leading: extent(1, 3),
                    trailing: extent(1, 2)
                ), true
            ),
            (
                extent(3, 7),
                Window(
                    kernel: extent(2, 2),
                    dilation: extent(2, 5),
                    leading: extent(2, 5),
                    trailing: extent(2, 5)
                ), false
            ),
        ]
    }()

    /// The taps of each window that are inside the image, as (row, column).
    func taps(_ pooling: Pooling, _ row: Int, _ column: Int) -> [(Int, Int)] {
        let window = pooling.window
        var result = [(Int, Int)]()
        for ky in 0..<window.kernel.height {
            for kx in 0..<window.kernel.width {
                let y =
                    row * window.stride.height + ky * window.dilation.height - window.leading.height
                let x =
                    column * window.stride.width + kx * window.dilation.width - window.leading.width
                if y >= 0, y < pooling.inputSize.height, x >= 0, x < pooling.inputSize.width {
                    result.append((y, x))
                }
            }
        }
        return result
    }

    /// How many taps lie in the padded image.
    func paddedCount(_ pooling: Pooling, _ row: Int, _ column: Int) -> Int {
        let window = pooling.window
        var count = 0
        for ky in 0..<window.kernel.height {
            for kx in 0..<window.kernel.width {
                let y = row * window.stride.height + ky * window.dilation.height
                let x = column * window.stride.width + kx * window.dilation.width
                if y < pooling.inputSize.height + window.leading.height + window.trailing.height,
                    x < pooling.inputSize.width + window.leading.width + window.trailing.width
                {
                    count += 1
                }
            }
        }
        return count
    }

    @Test(arguments: contexts)
    func `maxima, their positions and means agree with the definition`(
        _ context: KernelContext
    ) throws {
        var numbers = Numbers(seed: 51)
        for (size, window, roundsUp) in Self.windows {
            let pooling = try #require(
                Pooling(planeCount: 3, inputSize: size, window: window, roundsUp: roundsUp)
            )
            let plane = size.height * size.width
            let x = Guarded(numbers.floats(3 * plane).map { ($0 * 8).rounded() })
            let out = pooling.outputSize
            let count = 3 * out.height * out.width
            let maxima = Guarded<Float>(repeating: .nan, count: count)
            let withIndices = Guarded<Float>(repeating: .nan, count: count)
            let indices = Guarded<Int64>(repeating: -1, count: count)
            let columnMajor = Guarded<Int64>(repeating: -1, count: count)
            let means = Guarded<Float>(repeating: .nan, count: count)
            let padded = Guarded<Float>(repeating: .nan, count: count)
            let norms = Guarded<Float>(repeating: .nan, count: count)
            unsafe pooling.maximum(x.read, into: maxima.pointer, context: context)
            unsafe pooling.maximum(
                x.read,
                into: withIndices.pointer,
                indices: indices.pointer,
                context: context
            )
            unsafe pooling.maximum(
                x.read,
                into: withIndices.pointer,
                indices: columnMajor.pointer,
                indicesAreColumnMajor: true,
                context: context
            )
            unsafe pooling.average(x.read, into: means.pointer, context: context)
            unsafe pooling.average(
                x.read,
                into: padded.pointer,
                countsPadding: true,
                context: context
            )
            unsafe pooling.lp(x.read, into: norms.pointer, p: 3, context: context)
            var i = 0
            for p in 0..<3 {
                for row in 0..<out.height {
                    for column in 0..<out.width {
                        let taps = taps(pooling, row, column)
                        let values = taps.map { x[p * plane + $0.0 * size.width + $0.1] }
                        let largest = try #require(values.max())
                        #expect(maxima[i] == largest && withIndices[i] == largest)
                        let (y, x) = taps[values.firstIndex(of: largest)!]
                        #expect(indices[i] == Int64(p * plane + y * size.width + x))
                        #expect(columnMajor[i] == Int64(p * plane + x * size.height + y))
                        let sum = values.reduce(0) { $0 + Double($1) }
                        #expect(abs(Double(means[i]) - sum / Double(values.count)) < 1e-5)
                        let all = paddedCount(pooling, row, column)
                        #expect(abs(Double(padded[i]) - sum / Double(all)) < 1e-5)
                        let cubes = values.reduce(0) { $0 + abs(Double($1 * $1 * $1)) }
                        let root = ScalarTwin.binary(.power, cubes, 1.0 / 3)!
                        #expect(abs(Double(norms[i]) - root) < 1e-4)
                        i += 1
                    }
                }
            }
        }
    }

    @Test func `NaN is the largest of its windows, and threads don't change a bit`() throws {
        var numbers = Numbers(seed: 52)
        let size = Window.Extent(height: 30, width: 31)
        let window = Window(kernel: .init(height: 3, width: 3))
        let pooling = try #require(Pooling(planeCount: 40, inputSize: size, window: window))
        var values = numbers.floats(40 * 30 * 31)
        values[5 * 31 + 5] = .nan
        let x = Guarded(values)
        for table in tables {
            var results = [[UInt32]]()
            for pool in [nil] + pools.map(Optional.some) {
                let y = Guarded<Float>(repeating: 0, count: 40 * 28 * 29)
                unsafe pooling.maximum(
                    x.read,
                    into: y.pointer,
                    context: KernelContext(table: table, pool: pool)
                )
                results.append(bits(y.values))
                #expect(y[4 * 29 + 4].isNaN && y[3 * 29 + 3].isNaN && !y[6 * 29 + 6].isNaN)
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    @Test(arguments: contexts)
    func `NaN is the largest in planes whose rows fit a register, and only where it is seen`(
        _ context: KernelContext
    ) throws {
        let window = Window(
            kernel: .init(height: 3, width: 3),
            leading: .init(height: 1, width: 1),
            trailing: .init(height: 1, width: 1)
        )
        for width in [1, 3, 4, 7, 8, 15, 16] {
            let size = Window.Extent(height: 4, width: width)
            let pooling = try #require(Pooling(planeCount: 2, inputSize: size, window: window))
            var values = [Float](repeating: -.infinity, count: 8 * width)
            values[4 * width] = .nan
            values[7 * width + width - 1] = -0.0
            let x = Guarded(values)
            let y = Guarded<Float>(repeating: 5, count: 8 * width)
            unsafe pooling.maximum(x.read, into: y.pointer, context: context)
            for (index, found) in y.values.enumerated() {
                let (row, column) = (index / width - 4, index % width)
                if row >= 0, row <= 1, column <= 1 {
                    #expect(found.isNaN)
                } else if row >= 2, column >= width - 2 {
                    #expect(found == 0)
                } else {
                    #expect(found == -.infinity)
                }
            }
        }
    }

    @Test func `windows that do not fit are refused`() {
        let size = Window.Extent(height: 2, width: 2)
        #expect(
            Pooling(
                planeCount: 1,
                inputSize: size,
                window: Window(kernel: .init(height: 3, width: 1))
            )
                == nil
        )
        #expect(
            Pooling(
                planeCount: 1,
                inputSize: size,
                window: Window(
                    kernel: .init(height: 1, width: 1),
                    leading: .init(height: 1, width: 0)
                )
            ) == nil
        )
    }
}
