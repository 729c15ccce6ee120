internal import Glibc
package import TernMicrokernels
package import TernTensor

extension Elementwise {
    /// y = f(x) for 32-bit floats.
    @unsafe package static func apply(
        _ operation: UnaryOperation,
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        count: Int,
        context: KernelContext
    ) {
        let cost = UnaryDriver.cost(operation)
        context.forEach(
            count,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            unsafe UnaryDriver.run(
                operation,
                x + range.lowerBound,
                into: y + range.lowerBound,
                count: range.count,
                table: context.table
            )
        }
    }

    /// y = f(x) for any type.
    ///
    /// FP64 in double precision, FP16 and BF16 through FP32 with one rounding, integers for
    /// `absolute`, `negative`, `sign`, `relu`, `clamp`, `square`, `identity` and the roundings; BOOL
    /// for `identity`.
    @discardableResult
    @unsafe package static func apply(
        _ operation: UnaryOperation,
        _ x: UnsafeRawPointer,
        into y: UnsafeMutableRawPointer,
        count: Int,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool {
        switch elementType {
        case .fp32:
            unsafe apply(
                operation,
                x.assumingMemoryBound(to: Float.self),
                into: y.assumingMemoryBound(to: Float.self),
                count: count,
                context: context
            )
            return true
        case .fp64:
            let source = unsafe x.assumingMemoryBound(to: Double.self)
            let target = unsafe y.assumingMemoryBound(to: Double.self)
            context.forEach(count, grain: 1024, nanosecondsPerPiece: 10) { range in
                for i in range {
                    unsafe target[i] = DoubleFunctions.apply(operation, source[i])
                }
            }
            return true
        case .fp16, .bf16:
            unsafe applyThroughFloat(operation, x, y, count, elementType, context)
            return true
        case .int8: return unsafe applyInteger(operation, x, y, count, Int8.self)
        case .int16: return unsafe applyInteger(operation, x, y, count, Int16.self)
        case .int32: return unsafe applyInteger(operation, x, y, count, Int32.self)
        case .int64: return unsafe applyInteger(operation, x, y, count, Int64.self)
        case .uint8: return unsafe applyInteger(operation, x, y, count, UInt8.self)
        case .uint16: return unsafe applyInteger(operation, x, y, count, UInt16.self)
        case .uint32: return unsafe applyInteger(operation, x, y, count, UInt32.self)
        case .uint64: return unsafe applyInteger(operation, x, y, count, UInt64.self)
        case .bool:
            guard operation.isIdentity else { return false }
            if count > 0, unsafe x != UnsafeRawPointer(y) {
                unsafe y.copyMemory(from: x, byteCount: count)
            }
            return true
        case .bytes: return false
        }
    }

    private static func applyThroughFloat(
        _ operation: UnaryOperation,
        _ x: UnsafeRawPointer,
        _ y: UnsafeMutableRawPointer,
        _ count: Int,
        _ elementType: ElementType,
        _ context: KernelContext
    ) {
        let table = context.table
        let source = unsafe x.assumingMemoryBound(to: UInt16.self)
        let target = unsafe y.assumingMemoryBound(to: UInt16.self)
        context.forEach(count, grain: 4096, nanosecondsPerPiece: 1) { range in
            // On the stack: blocks of 256 elements.
            var block = InlineArray<256, Float>(repeating: 0)
            unsafe withUnsafeMutableBytes(of: &block) { bytes in
                let floats = unsafe bytes.baseAddress!.assumingMemoryBound(to: Float.self)
                var i = range.lowerBound
                while i < range.upperBound {
                    let part = Swift.min(256, range.upperBound - i)
                    if elementType == .fp16 {
                        unsafe table.widenHalf(source + i, floats, part)
                    } else {
                        unsafe table.widenBFloat(source + i, floats, part)
                    }
                    unsafe UnaryDriver.run(
                        operation,
                        floats,
                        into: floats,
                        count: part,
                        table: table
                    )
                    if elementType == .fp16 {
                        unsafe table.narrowHalf(floats, target + i, part)
                    } else {
                        unsafe table.narrowBFloat(floats, target + i, part)
                    }
                    i += part
                }
            }
        }
    }

    private static func applyInteger<Element: FixedWidthInteger & BitwiseCopyable>(
        _ operation: UnaryOperation,
        _ x: UnsafeRawPointer,
        _ y: UnsafeMutableRawPointer,
        _ count: Int,
        _ type: Element.Type
    ) -> Bool {
        let source = unsafe x.assumingMemoryBound(to: Element.self)
        let target = unsafe y.assumingMemoryBound(to: Element.self)
        let function: (Element) -> Element
        switch operation.function {
        case .identity, .floor, .ceiling, .roundToEven: function = { $0 }
        case .absolute: function = { $0 < 0 ? 0 &- $0 : $0 }
        case .negative: function = { 0 &- $0 }
        case .sign: function = { $0 > 0 ? 1 : $0 < 0 ? 0 &- 1 : 0 }
        case .relu: function = { $0 > 0 ? $0 : 0 }
        case .square: function = { $0 &* $0 }
        case .clamp:
            let lower = operation.a <= Float(Element.min) ? Element.min : Element(operation.a)
            let upper = operation.b >= Float(Element.max) ? Element.max : Element(operation.b)
            function = { $0 < lower ? lower : $0 > upper ? upper : $0 }
        default: return false
        }
        for i in 0..<count { unsafe target[i] = function(source[i]) }
        return true
    }
}

/// The unary functions in double precision, from the C library where there is no operator.
internal enum DoubleFunctions {
    internal static func apply(_ operation: UnaryOperation, _ x: Double) -> Double {
        let a = Double(operation.a)
        let b = Double(operation.b)
        return switch operation.function {
        case .identity: x
        case .absolute: x.magnitude
        case .negative: -x
        case .relu: x < 0 ? 0 : x
        case .leakyRelu: x < 0 ? a * x : x
        case .clamp: x < a ? a : x > b ? b : x
        case .thresholdedRelu: x.isNaN ? x : x > a ? x : 0
        case .squareRoot: x.squareRoot()
        case .reciprocalSquareRoot: 1 / x.squareRoot()
        case .reciprocal: 1 / x
        case .square: x * x
        case .floor: x.rounded(.down)
        case .ceiling: x.rounded(.up)
        case .roundToEven: x.rounded(.toNearestOrEven)
        case .sign: x > 0 ? 1 : x < 0 ? -1 : x
        case .exponential: exp(x)
        case .logarithm: log(x)
        case .hyperbolicTangent: tanh(x)
        case .sigmoid: x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x))
        case .errorFunction: erf(x)
        case .gelu: 0.5 * x * (1 + erf(x * 0.5.squareRoot()))
        case .geluTanh:
            0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .swish: x * (a * x < 0 ? exp(a * x) / (1 + exp(a * x)) : 1 / (1 + exp(-a * x)))
        case .hardSwish: x * Swift.max(0, Swift.min(1, x / 6 + 0.5))
        case .hardSigmoid: x.isNaN ? x : Swift.max(0, Swift.min(1, a * x + b))
        case .elu: x < 0 ? a * expm1(x) : x
        case .selu: b * (x < 0 ? a * expm1(x) : x)
        case .celu: x < 0 ? a * expm1(x / a) : x
        case .softplus: softplus(x)
        case .softsign: x / (1 + x.magnitude)
        case .mish: x * tanh(softplus(x))
        case .affine: a * x + b
        case .shrink: x < -a ? x + b : x > a ? x - b : x * 0
        case .sine: sin(x)
        case .cosine: cos(x)
        case .tangent: tan(x)
        case .arcsine: asin(x)
        case .arccosine: acos(x)
        case .arctangent: atan(x)
        case .hyperbolicSine: sinh(x)
        case .hyperbolicCosine: cosh(x)
        case .inverseHyperbolicSine: asinh(x)
        case .inverseHyperbolicCosine: acosh(x)
        case .inverseHyperbolicTangent: atanh(x)
        }
    }

    private static func softplus(_ x: Double) -> Double {
        x.isNaN ? x : Swift.max(x, 0) + log1p(exp(-x.magnitude))
    }
}
