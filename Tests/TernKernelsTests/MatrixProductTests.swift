import TernKernels
import TernMicrokernels
import TernTensor
import Testing

@Suite(.takingTurns) struct MatrixProductTests {
    static let cases: [(Shape, Shape, Shape)] = [
        ([3], [3], []), ([3], [3, 4], [4]), ([2, 3], [3], [2]), ([2, 3], [3, 4], [2, 4]),
        ([5, 2, 3], [3, 4], [5, 2, 4]), ([5, 2, 3], [1, 3, 4], [5, 2, 4]),
        ([5, 2, 3], [5, 3, 4], [5, 2, 4]), ([2, 3], [5, 3, 4], [5, 2, 4]),
        ([2, 1, 2, 3], [4, 3, 1], [2, 4, 2, 1]), ([3], [5, 3, 4], [5, 4]),
        ([5, 2, 3], [3], [5, 2]), ([2, 0], [0, 3], [2, 3]), ([0, 3], [3, 2], [0, 2]),
        ([16, 20, 9], [16, 9, 33], [16, 20, 33]),
    ]

    func product<Element: BitwiseCopyable>(
        _ left: Shape,
        _ right: Shape,
        _ type: ElementType,
        _ zero: Element,
        _ a: [Element],
        _ b: [Element],
        _ context: KernelContext
    ) throws -> [Element] {
        let product = try #require(MatrixProduct(left: left, right: right))
        let x = Guarded(a)
        let y = Guarded(b)
        let z = Guarded(repeating: zero, count: product.outputShape.elementCount)
        let scratch = Scratch(product.scratchByteCount(elementType: type, context: context))
        #expect(
            unsafe product.multiply(
                x.pointer,
                by: y.pointer,
                into: z.pointer,
                elementType: type,
                scratch: scratch.bytes,
                context: context
            )
        )
        return z.values
    }

    /// The product by numpy's rules, batch index by batch index.
    func twin(_ left: Shape, _ right: Shape, _ a: [Double], _ b: [Double]) -> [Double] {
        let m = left.rank == 1 ? 1 : left[left.rank - 2]
        let k = left[left.rank - 1]
        let n = right.rank == 1 ? 1 : right[right.rank - 1]
        let leftBatch = Shape(left.dropLast(left.rank == 1 ? 1 : 2))
        let rightBatch = Shape(right.dropLast(right.rank == 1 ? 1 : 2))
        let batch = Broadcast(leftBatch, rightBatch)!.outputShape
        func matrix(_ index: Int, _ own: Shape) -> Int {
            var rest = index
            var result = 0
            let strides = StridedCopy.denseStrides(own)
            for axis in batch.indices.reversed() {
                let position = rest % batch[axis]
                rest /= batch[axis]
                let mine = axis - (batch.rank - own.rank)
                if mine >= 0, own[mine] != 1 { result += position * strides[mine] }
            }
            return result
        }
        var result = [Double]()
        for index in 0..<batch.elementCount {
            let x = matrix(index, leftBatch) * m * k
            let y = matrix(index, rightBatch) * k * n
            result +=
                ScalarTwin.gemm(
                    { Float(a[x + $0 * k + $1]) },
                    { Float(b[y + $0 * n + $1]) },
                    rowCount: m,
                    columnCount: n,
                    depth: k
                ).values
        }
        return result
    }

    @Test(arguments: contexts)
    func `shapes combine as numpy combines them, in every type`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 81)
        for (left, right, output) in Self.cases {
            let product = try #require(MatrixProduct(left: left, right: right))
            #expect(product.outputShape == output)
            let a = (0..<left.elementCount).map { _ in numbers.int(in: -9..<10) }
            let b = (0..<right.elementCount).map { _ in numbers.int(in: -9..<10) }
            let exact = twin(left, right, a.map(Double.init), b.map(Double.init))
            let floats = try self.product(
                left,
                right,
                .fp32,
                Float.nan,
                a.map(Float.init),
                b.map(Float.init),
                context
            )
            #expect(floats == exact.map { Float($0) })
            let doubles = try self.product(
                left,
                right,
                .fp64,
                Double.nan,
                a.map(Double.init),
                b.map(Double.init),
                context
            )
            #expect(doubles == exact)
            let integers = try self.product(
                left,
                right,
                .int64,
                Int64(7),
                a.map(Int64.init),
                b.map(Int64.init),
                context
            )
            #expect(integers == exact.map { Int64($0) })
            let bytes = try self.product(
                left,
                right,
                .int8,
                Int8(7),
                a.map { Int8($0) },
                b.map { Int8($0) },
                context
            )
            #expect(bytes == exact.map { Int8(truncatingIfNeeded: Int($0)) })
            let halves = try self.product(
                left,
                right,
                .fp16,
                UInt16(7),
                a.map { Float16($0).bitPattern },
                b.map { Float16($0).bitPattern },
                context
            )
            #expect(halves == exact.map { Float16($0).bitPattern })
        }
    }

    @Test func `shapes that do not fit are refused`() {
        #expect(MatrixProduct(left: [], right: [3]) == nil)
        #expect(MatrixProduct(left: [2, 3], right: [4, 3]) == nil)
        #expect(MatrixProduct(left: [2, 2, 3], right: [3, 3, 4]) == nil)
    }

    @Test(arguments: tables)
    func `threads do not change a bit`(_ table: KernelTable) throws {
        var numbers = Numbers(seed: 82)
        let a = numbers.floats(24 * 40 * 50)
        let b = numbers.floats(24 * 50 * 45)
        let alone = try product(
            [24, 40, 50],
            [24, 50, 45],
            .fp32,
            0,
            a,
            b,
            KernelContext(table: table)
        )
        for pool in pools {
            let shared = try product(
                [24, 40, 50],
                [24, 50, 45],
                .fp32,
                0,
                a,
                b,
                KernelContext(table: table, pool: pool)
            )
            #expect(bits(shared) == bits(alone))
        }
    }
}
