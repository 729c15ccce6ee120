import Glibc
import TernKernels
import TernMicrokernels
import TernTensor
import Testing

@Suite(.takingTurns) struct UnaryTests {
    /// Typical parameters.
    func operation(_ function: UnaryFunction) -> UnaryOperation {
        switch function {
        case .leakyRelu: UnaryOperation(function, a: 0.01)
        case .clamp: UnaryOperation(function, a: -1.5, b: 2.5)
        case .thresholdedRelu: UnaryOperation(function, a: 1)
        case .swish: UnaryOperation(function, a: 1.25)
        case .hardSigmoid: UnaryOperation(function, a: 0.2, b: 0.5)
        case .elu: UnaryOperation(function, a: 0.75)
        case .selu: UnaryOperation(function, a: 1.67326319, b: 1.05070102)
        case .celu: UnaryOperation(function, a: 2)
        case .affine: UnaryOperation(function, a: 3, b: -2)
        case .shrink: UnaryOperation(function, a: 0.5, b: 0.25)
        default: UnaryOperation(function)
        }
    }

    /// Floats of every magnitude and sign, and the special ones.
    static let everywhere: [Float] = {
        var values: [Float] = [
            0, -0.0, .infinity, -.infinity, .nan, 1, -1, .leastNonzeroMagnitude,
            -.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude,
            -.greatestFiniteMagnitude, 88.7, 88.73, -87.3, -88, -103.9, -104.1, 0.625, 0.927734375,
            0.9277344, 0.5, 1.5, 2.5, -0.5, 16_777_216, 8_388_607.5,
        ]
        // Every 65 521st pattern: all exponents, changing mantissas.
        var pattern: UInt32 = 0
        while true {
            values.append(Float(bitPattern: pattern))
            let (next, overflow) = pattern.addingReportingOverflow(65521)
            if overflow { break }
            pattern = next
        }
        // And densely where the functions bend.
        for i in -10000...10000 { values.append(Float(i) * 0.002) }
        return values
    }()

    /// The most ULP a function may be off, or the bound relative to |x| in 2⁻²⁴.
    enum Bound {
        case ulps(Double)
        case relativeToInput(Double)
        case relative(Double)
    }

    func bound(_ function: UnaryFunction) -> Bound {
        switch function {
        case .exponential, .logarithm: .ulps(2)
        case .sigmoid, .elu, .celu: .ulps(3)
        case .hyperbolicTangent, .errorFunction, .selu: .ulps(4)
        case .softplus: .ulps(5)
        case .gelu, .geluTanh: .relativeToInput(4)
        case .swish: .ulps(6)
        case .mish: .ulps(8)
        case .reciprocalSquareRoot, .softsign: .ulps(1.5)
        case .hardSwish: .relativeToInput(2)
        case .affine, .hardSigmoid: .relative(8)
        case .sine, .cosine, .tangent, .arcsine, .arccosine, .arctangent, .hyperbolicSine,
            .hyperbolicCosine, .inverseHyperbolicSine, .inverseHyperbolicCosine,
            .inverseHyperbolicTangent:
            .ulps(2)
        default: .ulps(0.5)
        }
    }

    @Test(arguments: UnaryFunction.allCases)
    func `stays within its bound for all magnitudes`(_ function: UnaryFunction) {
        let operation = operation(function)
        let x = Guarded(Self.everywhere)
        for table in tables {
            let y = Guarded<Float>(repeating: 7, count: x.count)
            unsafe Elementwise.apply(
                operation,
                x.read,
                into: y.pointer,
                count: x.count,
                context: KernelContext(table: table)
            )
            var worst = 0.0
            var worstAt: Float = 0
            for i in 0..<x.count {
                let input = x[i]
                let exact = ScalarTwin.unary(operation, Double(input))
                let error: Double
                switch bound(function) {
                case .ulps(let limit):
                    // The parameters are floats, so a sigmoid of a·x sees a rounded product.
                    let own = function == .swish ? 2 + abs(1.25 * Double(input)) : 0
                    // A factor that is denormal has lost digits before x enlarges it.
                    let isGated = function == .swish || function == .mish
                    let lost = isGated ? abs(Double(input)) * 0x1p-149 : 0
                    let isLost = abs(Double(y[i]) - exact) <= lost
                    error = isLost ? 0 : ulps(y[i], exact: exact) / (limit + own)
                case .relativeToInput(let limit):
                    if exact.isNaN || input.isInfinite || abs(exact) > 3e38 {
                        error = ulps(y[i], exact: exact)
                    } else {
                        let unit = Swift.max(abs(Double(input)) * 0x1p-24, 0x1p-149)
                        error = abs(Double(y[i]) - exact) / unit / limit
                    }
                case .relative(let limit):
                    if exact.isNaN || abs(exact) > 3e38 {
                        error = ulps(y[i], exact: exact)
                    } else {
                        let scale = abs(Double(operation.a) * Double(input)) + 2
                        error = abs(Double(y[i]) - exact) / (scale * 0x1p-24) / limit
                    }
                }
                if error > worst {
                    worst = error
                    worstAt = input
                }
            }
            #expect(
                worst <= 1,
                "\(table.name): f(\(worstAt)) is \(worst) times the bound off"
            )
        }
    }

    @Test(arguments: contexts)
    func `an element has the same bits wherever it stands, and in place`(_ context: KernelContext) {
        var numbers = Numbers(seed: 11)
        let values = numbers.floats(70, in: -4...4)
        for function in UnaryFunction.allCases {
            let operation = operation(function)
            let x = Guarded(values)
            let whole = Guarded<Float>(repeating: 0, count: values.count)
            unsafe Elementwise.apply(
                operation,
                x.read,
                into: whole.pointer,
                count: values.count,
                context: context
            )
            for start in [0, 1, 5, 37, 69] {
                let part = Guarded(Array(values[start...]))
                unsafe Elementwise.apply(
                    operation,
                    part.read,
                    into: part.pointer,
                    count: part.count,
                    context: context
                )
                #expect(bits(part.values) == bits(Array(whole.values[start...])))
            }
        }
        let nothing = Guarded<Float>([])
        unsafe Elementwise.apply(
            .relu,
            nothing.read,
            into: nothing.pointer,
            count: 0,
            context: context
        )
    }

    @Test func `zero keeps its sign where the function is odd`() {
        for table in tables {
            for function in [
                UnaryFunction.hyperbolicTangent, .errorFunction, .identity, .squareRoot, .floor,
                .roundToEven, .sign, .relu, .elu, .softsign, .gelu,
            ] {
                let x = Guarded<Float>([-0.0, 0])
                unsafe Elementwise.apply(
                    operation(function),
                    x.read,
                    into: x.pointer,
                    count: 2,
                    context: KernelContext(table: table)
                )
                #expect(x[0].sign == .minus, "\(table.name) \(function)")
                #expect(x[0] == 0 && x[1] == 0 && x[1].sign == .plus)
            }
        }
    }

    @Test(arguments: contexts)
    func `doubles, halves and integers follow the same definitions`(_ context: KernelContext) {
        let doubles = Guarded<Double>([-2, -0.5, 0, 0.5, 2])
        let result = Guarded<Double>(repeating: 0, count: 5)
        for function in UnaryFunction.allCases {
            #expect(
                unsafe Elementwise.apply(
                    operation(function),
                    doubles.pointer,
                    into: result.pointer,
                    count: 5,
                    elementType: .fp64,
                    context: context
                )
            )
            for i in 0..<5 {
                let exact = ScalarTwin.unary(operation(function), doubles[i])
                #expect(
                    result[i] == exact || (result[i].isNaN && exact.isNaN)
                        || abs(result[i] - exact) <= 1e-15 * Swift.max(1, abs(exact)),
                    "\(function)(\(doubles[i]))"
                )
            }
        }
        let halves = Guarded((0..<300).map { Float16(Float($0) * 0.01 - 1.5).bitPattern })
        let halfResult = Guarded<UInt16>(repeating: 0, count: 300)
        #expect(
            unsafe Elementwise.apply(
                UnaryOperation(.hyperbolicTangent),
                halves.pointer,
                into: halfResult.pointer,
                count: 300,
                elementType: .fp16,
                context: context
            )
        )
        for i in 0..<300 {
            let exact = Float16(tanhf(Float(Float16(bitPattern: halves[i]))))
            let error = Int(halfResult[i]) - Int(exact.bitPattern)
            #expect(abs(error) <= 1)
        }
        let integers = Guarded<Int8>([-128, -3, 0, 5, 127])
        let integerResult = Guarded<Int8>(repeating: 0, count: 5)
        for (function, expected) in [
            (UnaryFunction.absolute, [Int8]([-128, 3, 0, 5, 127])), (.sign, [-1, -1, 0, 1, 1]),
            (.relu, [0, 0, 0, 5, 127]), (.clamp, [-1, -1, 0, 2, 2]),
        ] {
            #expect(
                unsafe Elementwise.apply(
                    operation(function),
                    integers.pointer,
                    into: integerResult.pointer,
                    count: 5,
                    elementType: .int8,
                    context: context
                )
            )
            #expect(integerResult.values == expected)
        }
        #expect(
            unsafe !Elementwise.apply(
                UnaryOperation(.exponential),
                integers.pointer,
                into: integerResult.pointer,
                count: 5,
                elementType: .int8,
                context: context
            )
        )
    }
}
