import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct WinogradTests {
    static let cases: [ConvolutionCase] = [
        ConvolutionCase(
            inputs: 16,
            outputs: 16,
            size: (8, 8),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(
            batch: 2,
            inputs: 33,
            outputs: 41,
            size: (13, 18),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        ),
        ConvolutionCase(
            batch: 2,
            inputs: 40,
            outputs: 72,
            groups: 2,
            size: (16, 16),
            kernel: (3, 3)
        ),
        ConvolutionCase(
            inputs: 24,
            outputs: 24,
            size: (21, 22),
            kernel: (3, 3),
            dilation: (2, 3),
            leading: (2, 3),
            trailing: (2, 3)
        ),
        ConvolutionCase(
            inputs: 20,
            outputs: 17,
            size: (16, 31),
            kernel: (3, 3),
            leading: (5, 0),
            trailing: (0, 4)
        ),
        ConvolutionCase(
            batch: 2,
            inputs: 32,
            outputs: 48,
            size: (1, 150),
            kernel: (1, 3),
            leading: (0, 1),
            trailing: (0, 1)
        ),
        ConvolutionCase(
            inputs: 64,
            outputs: 64,
            size: (1, 250),
            kernel: (1, 3),
            dilation: (1, 8),
            leading: (0, 8),
            trailing: (0, 8)
        ),
    ]

    /// The rows of Bᵀ, G and Aᵀ for the points 0, ±3/4, ±3/2, ∞.
    private static let a = 0.75
    private static let b = 1.5
    private static let inputRows: [[Double]] = {
        let (a2, b2) = (a * a, b * b)
        return [
            [a2 * b2, 0, -(a2 + b2), 0, 1, 0],
            [0, -a * b2, -b2, a, 1, 0],
            [0, a * b2, -b2, -a, 1, 0],
            [0, -a2 * b, -a2, b, 1, 0],
            [0, a2 * b, -a2, -b, 1, 0],
            [0, a2 * b2, 0, -(a2 + b2), 0, 1],
        ]
    }()
    private static let filterRows: [[Double]] = {
        let points = [0, a, -a, b, -b]
        return points.map { p in
            let divisor = points.filter { $0 != p }.map { p - $0 }.reduce(1, *)
            return [1 / divisor, p / divisor, p * p / divisor]
        } + [[0, 0, 1]]
    }()
    private static let outputRows: [[Double]] = (0..<4).map { power in
        [0, a, -a, b, -b].map { p in (0..<power).reduce(1) { x, _ in x * p } }
            + [power == 3 ? 1 : 0]
    }

    @Test func `the matrices compute a filter of three taps`() {
        var numbers = Numbers(seed: 50)
        let d = numbers.floats(6).map(Double.init)
        let g = numbers.floats(3).map(Double.init)
        func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).map { $0 * $1 }.reduce(0, +) }
        let m = (0..<6).map { dot(Self.filterRows[$0], g) * dot(Self.inputRows[$0], d) }
        for i in 0..<4 {
            #expect(abs(dot(Self.outputRows[i], m) - dot(Array(d[i..<i + 3]), g)) < 1e-12)
        }
    }

    /// What `WinogradDriver` promises: (C + 24)·2⁻²⁴·|Aᵀ|(|Gg| ⊙ |Bᵀ||d|) for each output, in both
    /// directions where there are two.
    private func bounds(
        _ shape: ConvolutionCase,
        _ x: [Float],
        _ w: [Float]
    ) throws -> [Double] {
        let size = try #require(shape.convolution).outputSize
        let isRow = shape.kernel.0 == 1
        let channels = shape.inputs / shape.groups
        let filters = shape.outputs / shape.groups
        let rowTaps = isRow ? 1 : 6
        // Transformed magnitudes of all filters.
        var u: [[Double]] = []
        for filter in 0..<shape.outputs * channels {
            let taps = w[filter * 3 * shape.kernel.0..<(filter + 1) * 3 * shape.kernel.0]
                .map(Double.init)
            var points: [Double] = []
            for i in 0..<rowTaps {
                for j in 0..<6 {
                    var sum = 0.0
                    for r in 0..<shape.kernel.0 {
                        let left = isRow ? 1 : Self.filterRows[i][r]
                        for c in 0..<3 { sum += left * Self.filterRows[j][c] * taps[3 * r + c] }
                    }
                    points.append(abs(sum))
                }
            }
            u.append(points)
        }
        func pixel(_ plane: Int, _ row: Int, _ column: Int) -> Double {
            guard row >= 0, row < shape.size.0, column >= 0, column < shape.size.1 else { return 0 }
            return abs(Double(x[(plane * shape.size.0 + row) * shape.size.1 + column]))
        }
        // |Bᵀ||d| of the tile whose first output is (row, column), for one plane.
        func transformed(_ plane: Int, _ row: Int, _ column: Int) -> [Double] {
            var rows: [[Double]] = []
            for r in 0..<rowTaps {
                let d = (0..<6).map {
                    pixel(
                        plane,
                        row + r * shape.dilation.0 - shape.leading.0,
                        column + $0 * shape.dilation.1 - shape.leading.1
                    )
                }
                rows.append(Self.inputRows.map { zip($0, d).map { abs($0) * $1 }.reduce(0, +) })
            }
            guard !isRow else { return rows[0] }
            return (0..<36).map { point in
                (0..<6).map { abs(Self.inputRows[point / 6][$0]) * rows[$0][point % 6] }
                    .reduce(0, +)
            }
        }
        var result = [Double](
            repeating: 0,
            count: shape.batch * shape.outputs * size.height * size.width
        )
        func isFirst(_ position: Int, _ dilation: Int) -> Bool { position / dilation % 4 == 0 }
        for n in 0..<shape.batch {
            for group in 0..<shape.groups {
                for row in 0..<size.height where isRow || isFirst(row, shape.dilation.0) {
                    for column in 0..<size.width where isFirst(column, shape.dilation.1) {
                        let v = (0..<channels).map {
                            transformed(n * shape.inputs + group * channels + $0, row, column)
                        }
                        for m in group * filters..<(group + 1) * filters {
                            let product = (0..<rowTaps * 6).map { point in
                                (0..<channels).map { u[m * channels + $0][point] * v[$0][point] }
                                    .reduce(0, +)
                            }
                            for i in 0..<(isRow ? 1 : 4) {
                                for j in 0..<4 {
                                    let y = row + i * shape.dilation.0
                                    let x = column + j * shape.dilation.1
                                    guard y < size.height, x < size.width else { continue }
                                    var sum = 0.0
                                    for point in product.indices {
                                        let left = isRow ? 1 : Self.outputRows[i][point / 6]
                                        sum +=
                                            abs(left * Self.outputRows[j][point % 6])
                                            * product[point]
                                    }
                                    let plane = (n * shape.outputs + m) * size.height + y
                                    result[plane * size.width + x] =
                                        sum * Double(channels + 24) * 0x1p-24
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    @Test func `the error stays within its bound, and near that of the plain methods`() throws {
        var numbers = Numbers(seed: 51)
        for shape in Self.cases {
            let x = numbers.floats(shape.inputCount)
            let w = numbers.floats(shape.filterCount)
            let b = numbers.floats(shape.outputs)
            let exact = try shape.definition(x, w, b)
            let bounds = try bounds(shape, x, w)
            for context in contexts {
                let method = try #require(shape.convolution).method(table: context.table)
                #expect(method.isWinograd, "\(shape)")
                let y = try shape.run(x, w, b, context: context)
                var plain = shape
                plain.usesWinograd = false
                let z = try plain.run(x, w, b, context: context)
                var squares = (winograd: 0.0, plain: 0.0)
                for (i, value) in exact.values.enumerated() {
                    let error = abs(Double(y[i]) - value)
                    guard error <= bounds[i] + 0x1p-23 * abs(value) else {
                        Issue.record("\(shape): \(y[i]) instead of \(value)")
                        return
                    }
                    squares.winograd += error * error
                    squares.plain += (Double(z[i]) - value) * (Double(z[i]) - value)
                }
                // Root mean squares: within four times.
                #expect(squares.winograd <= 16 * squares.plain, "\(shape)")
            }
        }
    }

    @Test(arguments: contexts)
    func `a NaN stays within the tiles that read it`(_ context: KernelContext) throws {
        let shape = ConvolutionCase(
            batch: 2,
            inputs: 16,
            outputs: 16,
            size: (16, 16),
            kernel: (3, 3),
            leading: (1, 1),
            trailing: (1, 1)
        )
        var numbers = Numbers(seed: 52)
        var x = numbers.floats(shape.inputCount)
        let w = numbers.floats(shape.filterCount)
        for special in [Float.nan, .infinity] {
            // Row 9, column 6 of the first image: read by the tiles of rows 8–11 and columns 4–7 only.
            x[3 * 256 + 9 * 16 + 6] = special
            let y = try shape.run(x, w, context: context)
            for (i, value) in y.enumerated() {
                let (row, column) = (i % 256 / 16, i % 16)
                let isNear = i < 16 * 256 && row / 4 == 2 && column / 4 == 1
                #expect(value.isFinite != isNear)
            }
        }
    }

    @Test func `without Winograd a convolution has another method`() throws {
        for var shape in Self.cases {
            shape.usesWinograd = false
            let method = try #require(shape.convolution).method()
            #expect(!method.isWinograd)
        }
    }
}
