import TernKernels
import TernMicrokernels
import TernTensor
import Testing

@Suite(.takingTurns) struct BinaryTests {
    /// The value of an operand at an index of the common shape.
    func offset(_ index: Int, _ shape: Shape, in whole: Shape) -> Int {
        var rest = index
        var offset = 0
        let strides = StridedCopy.denseStrides(shape)
        for axis in whole.indices.reversed() {
            let position = rest % whole[axis]
            rest /= whole[axis]
            let own = axis - (whole.rank - shape.rank)
            if own >= 0, shape[own] != 1 { offset += position * strides[own] }
        }
        return offset
    }

    static let shapes: [(Shape, Shape)] = [
        ([], []), ([1], [1]), ([5], [5]), ([67], []), ([], [67]), ([3, 40], [40]),
        ([3, 40], [3, 1]), ([3, 1], [1, 40]), ([2, 3, 33], [3, 1]), ([4, 1, 5], [1, 6, 1]),
        ([2, 1, 3, 1, 5], [7, 1, 4, 5]), ([0, 3], [3]), ([40, 3, 1], [40, 3, 1]),
    ]

    @Test(arguments: contexts)
    func `every function agrees with the definition over every way to broadcast`(
        _ context: KernelContext
    ) throws {
        var numbers = Numbers(seed: 21)
        for (left, right) in Self.shapes {
            let broadcast = try #require(Broadcast(left, right))
            let count = broadcast.outputShape.elementCount
            let x = Guarded(numbers.floats(left.elementCount, in: -3...3))
            let y = Guarded(numbers.floats(right.elementCount, in: -3...3))
            if x.count > 4 { x[2] = .nan; x[3] = .infinity }
            for function in BinaryFunction.allCases {
                let z = Guarded<Float>(repeating: 9, count: count)
                let done = unsafe Elementwise.apply(
                    function,
                    x.pointer,
                    y.pointer,
                    into: z.pointer,
                    broadcast: broadcast,
                    elementType: .fp32,
                    context: context
                )
                guard ScalarTwin.binary(function, 1, 1) != nil else {
                    #expect(!done)
                    continue
                }
                #expect(done)
                for i in 0..<count {
                    let a = x[offset(i, left, in: broadcast.outputShape)]
                    let b = y[offset(i, right, in: broadcast.outputShape)]
                    let exact = ScalarTwin.binary(function, Double(a), Double(b))!
                    let limit = function == .power ? 1.01 : 0.51
                    let error = ulps(z[i], exact: exact)
                    let isClose = error <= limit || function == .modulo && error <= 2
                    #expect(isClose, "\(function)(\(a), \(b)) = \(z[i])")
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `powers with an exponent for all agree with the definition everywhere`(
        _ context: KernelContext
    ) throws {
        let x = Guarded(UnaryTests.everywhere)
        let z = Guarded<Float>(repeating: 9, count: x.count)
        let broadcast = try #require(Broadcast([x.count], []))
        for exponent in [2, 3, 0.5, -1] as [Float] {
            let y = Guarded<Float>([exponent])
            unsafe Elementwise.apply(
                .power,
                x.pointer,
                y.pointer,
                into: z.pointer,
                broadcast: broadcast,
                elementType: .fp32,
                context: context
            )
            var (worst, worstAt) = (0.0, Float(0))
            for i in 0..<x.count {
                let exact = ScalarTwin.binary(.power, Double(x[i]), Double(exponent))!
                let error = ulps(z[i], exact: exact)
                if error > worst { (worst, worstAt) = (error, x[i]) }
            }
            #expect(worst <= 1.5, "\(worstAt) to the power of \(exponent)")
        }
    }

    @Test func `shapes that do not fit are refused`() {
        #expect(Broadcast([2], [3]) == nil)
        #expect(Broadcast([2, 3], [3, 2]) == nil)
        #expect(Broadcast([2, 3], [3], [2]) == nil)
        #expect(Broadcast([1 << 40, 1], [1, 1 << 40]) == nil)
        #expect(Broadcast([2, 1], [3], [1, 1, 1])?.outputShape == [1, 2, 3])
        #expect(Broadcast([0], [1])?.outputShape == [0])
    }

    @Test(arguments: contexts)
    func `NaN wins minimum and maximum from either side`(_ context: KernelContext) throws {
        let x = Guarded<Float>([.nan, 1, .nan, -.infinity])
        let y = Guarded<Float>([1, .nan, .nan, 5])
        let broadcast = try #require(Broadcast([4], [4]))
        for function in [BinaryFunction.minimum, .maximum] {
            let z = Guarded<Float>(repeating: 0, count: 4)
            unsafe Elementwise.apply(
                function,
                x.pointer,
                y.pointer,
                into: z.pointer,
                broadcast: broadcast,
                elementType: .fp32,
                context: context
            )
            #expect(z[0].isNaN && z[1].isNaN && z[2].isNaN && !z[3].isNaN)
        }
    }

    @Test(arguments: contexts)
    func `integers wrap, divide by zero to zero and shift to nothing`(
        _ context: KernelContext
    ) throws {
        let x = Guarded<Int32>([.min, 7, -7, 7, 3, .max])
        let y = Guarded<Int32>([-1, 0, 3, -3, 2, 1])
        let expected: [(BinaryFunction, [Int32])] = [
            (.add, [.max, 7, -4, 4, 5, .min]), (.divide, [.min, 0, -2, -2, 1, .max]),
            (.modulo, [0, 0, 2, -2, 1, 0]), (.remainder, [0, 0, -1, 1, 1, 0]),
            (.power, [0, 1, -343, 0, 9, .max]), (.maximum, [-1, 7, 3, 7, 3, .max]),
            (.bitXor, [.max, 7, -6, -6, 1, .max - 1]),
        ]
        let broadcast = try #require(Broadcast([6], [6]))
        for (function, values) in expected {
            let z = Guarded<Int32>(repeating: 0, count: 6)
            #expect(
                unsafe Elementwise.apply(
                    function,
                    x.pointer,
                    y.pointer,
                    into: z.pointer,
                    broadcast: broadcast,
                    elementType: .int32,
                    context: context
                )
            )
            #expect(z.values == values, "\(function)")
        }
        let signed = Guarded<Int8>([-8, 8, -8, 8])
        let distances = Guarded<Int8>([1, 1, 9, -1])
        let moved = Guarded<Int8>(repeating: 1, count: 4)
        let four = try #require(Broadcast([4], [4]))
        for (function, expected) in [
            (BinaryFunction.shiftLeft, [-16, 16, 0, 0] as [Int8]),
            (.shiftRight, [-4, 4, -1, 0]),
        ] {
            unsafe Elementwise.apply(
                function,
                signed.pointer,
                distances.pointer,
                into: moved.pointer,
                broadcast: four,
                elementType: .int8,
                context: context
            )
            #expect(moved.values == expected)
        }
        let bytes = Guarded<UInt8>([1, 128, 255])
        let counts = Guarded<UInt8>([7, 1, 9])
        let shifted = Guarded<UInt8>(repeating: 1, count: 3)
        let three = try #require(Broadcast([3], [3]))
        unsafe Elementwise.apply(
            .shiftLeft,
            bytes.pointer,
            counts.pointer,
            into: shifted.pointer,
            broadcast: three,
            elementType: .uint8,
            context: context
        )
        #expect(shifted.values == [128, 0, 0])
        unsafe Elementwise.apply(
            .bitAnd,
            bytes.pointer,
            counts.pointer,
            into: shifted.pointer,
            broadcast: three,
            elementType: .bool,
            context: context
        )
        #expect(shifted.values == [1, 1, 1])
    }

    @Test(arguments: contexts)
    func `halves are rounded once`(_ context: KernelContext) throws {
        var numbers = Numbers(seed: 22)
        let x = Guarded((0..<300).map { _ in Float16(numbers.float()).bitPattern })
        let y = Guarded([Float16(0.3).bitPattern])
        let z = Guarded<UInt16>(repeating: 0, count: 300)
        let broadcast = try #require(Broadcast([], [300]))
        #expect(
            unsafe Elementwise.apply(
                .multiply,
                y.pointer,
                x.pointer,
                into: z.pointer,
                broadcast: broadcast,
                elementType: .fp16,
                context: context
            )
        )
        for i in 0..<300 {
            let exact = Float16(bitPattern: x[i]) * Float16(bitPattern: y[0])
            #expect(z[i] == exact.bitPattern)
        }
    }

    @Test(arguments: contexts)
    func `comparisons hold of the right pairs, and of NaN only unequal`(
        _ context: KernelContext
    ) throws {
        let x = Guarded<Float>([1, 2, 2, .nan, -0.0])
        let y = Guarded<Float>([2, 2, 1, .nan, 0])
        let expected: [(ComparisonFunction, [UInt8])] = [
            (.equal, [0, 1, 0, 0, 1]), (.notEqual, [1, 0, 1, 1, 0]), (.less, [1, 0, 0, 0, 0]),
            (.lessOrEqual, [1, 1, 0, 0, 1]), (.greater, [0, 0, 1, 0, 0]),
            (.greaterOrEqual, [0, 1, 1, 0, 1]),
        ]
        let broadcast = try #require(Broadcast([5], [5]))
        for (function, values) in expected {
            let z = Guarded<UInt8>(repeating: 9, count: 5)
            unsafe Elementwise.compare(
                function,
                x.pointer,
                y.pointer,
                into: z.pointer,
                broadcast: broadcast,
                elementType: .fp32,
                context: context
            )
            #expect(z.values == values)
        }
        let large = Guarded<UInt64>([.max])
        let small = Guarded<UInt64>([1])
        let z = Guarded<UInt8>([0])
        unsafe Elementwise.compare(
            .greater,
            large.pointer,
            small.pointer,
            into: z.pointer,
            broadcast: Broadcast([1], [1])!,
            elementType: .uint64,
            context: context
        )
        #expect(z[0] == 1)
    }

    @Test(arguments: contexts)
    func `a condition chooses between two broadcast sides`(_ context: KernelContext) throws {
        let condition = Guarded<UInt8>([1, 0])
        let x = Guarded<Int64>([1, 2, 3])
        let y = Guarded<Int64>([-9])
        let z = Guarded<Int64>(repeating: 0, count: 6)
        let broadcast = try #require(Broadcast([2, 1], [3], []))
        unsafe Elementwise.select(
            condition.read,
            x.pointer,
            y.pointer,
            into: z.pointer,
            broadcast: broadcast,
            elementType: .int64,
            context: context
        )
        #expect(z.values == [1, 2, 3, -9, -9, -9])
    }
}
