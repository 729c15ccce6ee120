import Glibc
import TernKernels
import TernMicrokernels
import TernTensor
import Testing

@Suite(.takingTurns) struct ReductionTests {
    /// Folds in double precision.
    func twin(_ function: ReductionFunction, _ values: [Double]) -> Double {
        switch function {
        case .sum: return values.reduce(0, +)
        case .mean: return values.reduce(0, +) / Double(values.count)
        case .maximum:
            return values.contains { $0.isNaN } ? .nan : values.max() ?? -.infinity
        case .minimum: return values.contains { $0.isNaN } ? .nan : values.min() ?? .infinity
        case .product: return values.reduce(1, *)
        case .l1: return values.reduce(0) { $0 + abs($1) }
        case .l2: return values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        case .sumOfSquares: return values.reduce(0) { $0 + $1 * $1 }
        case .logSum: return log(values.reduce(0, +))
        case .logSumExp: return log(values.reduce(0) { $0 + exp($1) })
        }
    }

    /// The elements of each result, in the order of the results.
    func groups(_ shape: Shape, _ axes: UInt8) -> [[Int]] {
        var keptStrides = [Int](repeating: 0, count: shape.rank)
        var stride = 1
        for axis in shape.indices.reversed() where axes >> UInt8(axis) & 1 == 0 {
            keptStrides[axis] = stride
            stride *= shape[axis]
        }
        var result = [[Int]](repeating: [], count: stride)
        for index in 0..<shape.elementCount {
            var rest = index
            var kept = 0
            for axis in shape.indices.reversed() {
                kept += rest % shape[axis] * keptStrides[axis]
                rest /= shape[axis]
            }
            result[kept].append(index)
        }
        return result
    }

    static let cases: [(Shape, UInt8)] = [
        ([], 0), ([1], 1), ([9], 1), ([9], 0), ([3, 100], 0b10), ([100, 3], 0b01),
        ([2, 9, 33], 0b010), ([2, 9, 300], 0b011), ([4, 5, 6], 0b101), ([2, 3, 4, 5], 0b1010),
        ([2, 3, 4, 5], 0b0101), ([2, 1, 4, 1], 0b0010), ([3, 0], 0b10), ([0, 3], 0b10),
        ([0, 3], 0b01), ([1, 1500], 0b10), ([2, 3, 1, 4, 2], 0b11010),
        ([37, 2], 0b10), ([5, 7, 3], 0b100), ([9, 4], 0b10), ([1, 2], 0b10), ([0, 2], 0b10),
    ]

    @Test(arguments: contexts)
    func `every fold over every set of axes agrees with the definition`(_ context: KernelContext) {
        var numbers = Numbers(seed: 71)
        for (shape, axes) in Self.cases {
            let x = Guarded(numbers.floats(shape.elementCount, in: 0.5...1.5))
            let groups = groups(shape, axes)
            for function in ReductionFunction.allCases {
                let y = Guarded<Float>(repeating: 77, count: groups.count)
                #expect(
                    unsafe Reduction.apply(
                        function,
                        x.pointer,
                        into: y.pointer,
                        shape: shape,
                        axes: axes,
                        elementType: .fp32,
                        context: context
                    )
                )
                let doubles = Guarded(x.values.map(Double.init))
                let z = Guarded<Double>(repeating: 77, count: groups.count)
                #expect(
                    unsafe Reduction.apply(
                        function,
                        doubles.pointer,
                        into: z.pointer,
                        shape: shape,
                        axes: axes,
                        elementType: .fp64,
                        context: context
                    )
                )
                for (i, group) in groups.enumerated() {
                    let exact = twin(function, group.map { Double(x[$0]) })
                    let bound = 1e-5 * Swift.max(1, abs(exact))
                    let isSame = Double(y[i]) == exact || y[i].isNaN && exact.isNaN
                    #expect(
                        isSame || abs(Double(y[i]) - exact) <= bound,
                        "\(function) of \(shape) over \(axes): \(y[i]) instead of \(exact)"
                    )
                    #expect(
                        z[i] == exact || z[i].isNaN && exact.isNaN
                            || abs(z[i] - exact) <= 1e-12 * Swift.max(1, abs(exact))
                    )
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `NaN wins maxima and minima, and infinite sums of exponentials stay infinite`(
        _ context: KernelContext
    ) {
        for (outer, inner) in [(2, 1), (1, 2)] {
            for special in 0..<20 {
                var values = [Float](repeating: 1, count: 40)
                for i in 0..<2 { values[outer == 2 ? i * 20 + special : special * 2 + i] = .nan }
                let x = Guarded(values)
                let y = Guarded<Float>(repeating: 0, count: 2)
                for function in [ReductionFunction.maximum, .minimum, .logSumExp] {
                    unsafe Reduction.apply(
                        function,
                        x.pointer,
                        into: y.pointer,
                        outer: outer,
                        axis: 20,
                        inner: inner,
                        elementType: .fp32,
                        context: context
                    )
                    #expect(y.values.allSatisfy { $0.isNaN })
                }
            }
            let x = Guarded<Float>(repeating: .infinity, count: 40)
            let y = Guarded<Float>(repeating: 0, count: 2)
            unsafe Reduction.apply(
                .logSumExp,
                x.pointer,
                into: y.pointer,
                outer: outer,
                axis: 20,
                inner: inner,
                elementType: .fp32,
                context: context
            )
            #expect(y.values == [.infinity, .infinity])
        }
    }

    @Test func `integers fold in their own type`() {
        let context = contexts[0]
        let x = Guarded<Int8>([100, 100, -3, 0, 7, -8])
        let expected: [(ReductionFunction, [Int8])] = [
            (.sum, [-59, -1]), (.maximum, [100, 7]), (.minimum, [-3, -8]), (.product, [-48, 0]),
            (.l1, [-53, 15]), (.mean, [65, 0]), (.l2, [127, 10]),
        ]
        for (function, values) in expected {
            let y = Guarded<Int8>(repeating: 1, count: 2)
            #expect(
                unsafe Reduction.apply(
                    function,
                    x.pointer,
                    into: y.pointer,
                    outer: 2,
                    axis: 3,
                    inner: 1,
                    elementType: .int8,
                    context: context
                )
            )
            #expect(y.values == values, "\(function)")
        }
        let flags = Guarded<UInt8>([0, 1, 0])
        let all = Guarded<UInt8>([9])
        unsafe Reduction.apply(
            .minimum,
            flags.pointer,
            into: all.pointer,
            outer: 1,
            axis: 3,
            inner: 1,
            elementType: .bool,
            context: context
        )
        #expect(all[0] == 0)
        #expect(
            unsafe !Reduction.apply(
                .sum,
                flags.pointer,
                into: all.pointer,
                outer: 1,
                axis: 3,
                inner: 1,
                elementType: .bool,
                context: context
            )
        )
    }

    @Test func `positions are of the first, or the last, of equals, and of NaN before all`() {
        let context = contexts[0]
        let x = Guarded<Float>([1, 3, 3, 0, 0, .nan, 5, .nan])
        func positions(_ isMaximum: Bool, last: Bool) -> [Int64] {
            let y = Guarded<Int64>(repeating: -1, count: 2)
            unsafe Reduction.position(
                ofMaximum: isMaximum,
                x.pointer,
                into: y.pointer,
                outer: 2,
                axis: 4,
                inner: 1,
                takesLast: last,
                elementType: .fp32,
                context: context
            )
            return y.values
        }
        #expect(positions(true, last: false) == [1, 1])
        #expect(positions(true, last: true) == [2, 3])
        #expect(positions(false, last: false) == [3, 1])
        let z = Guarded<Int64>(repeating: -1, count: 2)
        let integers = Guarded<Int64>([4, 1, 2, 9])
        unsafe Reduction.position(
            ofMaximum: true,
            integers.pointer,
            into: z.pointer,
            outer: 1,
            axis: 2,
            inner: 2,
            elementType: .int64,
            context: context
        )
        #expect(z.values == [0, 1])
    }

    @Test(arguments: tables)
    func `the order of additions does not depend on the threads`(_ table: KernelTable) {
        var numbers = Numbers(seed: 72)
        let shape: Shape = [40, 300, 30]
        let x = Guarded(numbers.floats(shape.elementCount))
        for axes: UInt8 in [0b100, 0b010, 0b001, 0b110, 0b101] {
            let count = groups(shape, axes).count
            var results = [[UInt32]]()
            for pool in [nil] + pools.map(Optional.some) {
                let y = Guarded<Float>(repeating: 0, count: count)
                unsafe Reduction.apply(
                    .sum,
                    x.pointer,
                    into: y.pointer,
                    shape: shape,
                    axes: axes,
                    elementType: .fp32,
                    context: KernelContext(table: table, pool: pool)
                )
                results.append(bits(y.values))
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    @Test func `the sums of a row have the same bits on every instruction set`() {
        var numbers = Numbers(seed: 77)
        for count in [0, 1, 5, 15, 16, 17, 63, 64, 65, 130, 771] {
            let x = Guarded(numbers.floats(count, in: -3...5))
            for fold in [RowFold.sum, .sumOfMagnitudes, .sumOfSquares, .sumOfShiftedSquares] {
                let all = tables.map { unsafe $0.foldRow(fold, x.read, count, 0.7).bitPattern }
                #expect(Set(all).count == 1, "\(fold) of \(count)")
            }
        }
    }
}
