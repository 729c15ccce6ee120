internal import Glibc
internal import TernMicrokernels
internal import TernTensor

/// Folds of the other element types, one result at a time.
internal enum PlainReduction {
    /// Visits the elements of one result in a fixed order.
    @unsafe private static func forEach(
        _ geometry: FoldGeometry,
        _ result: Int,
        _ body: (Int) -> Void
    ) {
        let kept = geometry.foldsInnermost ? result : result / geometry.innermost
        let column = geometry.foldsInnermost ? 0 : result % geometry.innermost
        for run in 0..<geometry.foldedShape.elementCount {
            let offset = geometry.offset(kept: kept, folded: run)
            if geometry.foldsInnermost {
                for i in 0..<geometry.innermost { body(offset + i) }
            } else {
                body(offset + column)
            }
        }
    }

    @unsafe
    internal static func floats<
        Element: BitwiseCopyable,
        Value: BinaryFloatingPoint
    >(
        _ function: ReductionFunction,
        _ geometry: FoldGeometry,
        _ x: UnsafeRawPointer,
        _ y: UnsafeMutableRawPointer,
        _ context: KernelContext,
        from load: (Element) -> Value,
        to store: (Value) -> Element
    ) {
        let source = unsafe x.assumingMemoryBound(to: Element.self)
        let target = unsafe y.assumingMemoryBound(to: Element.self)
        let count = Value(geometry.foldedCount)
        let cost = Double(geometry.foldedCount) * 2 + 20
        context.forEach(
            geometry.keptCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for result in range {
                var sum: Value = function == .product ? 1 : 0
                if function == .maximum || function == .logSumExp { sum = -.infinity }
                if function == .minimum { sum = .infinity }
                unsafe forEach(geometry, result) { index in
                    let v = unsafe load(source[index])
                    switch function {
                    case .sum, .mean, .logSum: sum += v
                    case .maximum, .logSumExp: sum = v.isNaN || v > sum ? v : sum
                    case .minimum: sum = v.isNaN || v < sum ? v : sum
                    case .product: sum *= v
                    case .l1: sum += v.magnitude
                    case .l2, .sumOfSquares: sum += v * v
                    }
                }
                switch function {
                case .mean: sum /= count
                case .l2: sum = sum.squareRoot()
                case .logSum: sum = Value(log(Double(sum)))
                case .logSumExp where sum.isFinite:
                    var exponentials = 0.0
                    unsafe forEach(geometry, result) { index in
                        exponentials += unsafe exp(Double(load(source[index]) - sum))
                    }
                    sum += Value(log(exponentials))
                default: break
                }
                unsafe target[result] = store(sum)
            }
        }
    }

    @unsafe internal static func integers<Element: FixedWidthInteger & BitwiseCopyable>(
        _ function: ReductionFunction,
        _ geometry: FoldGeometry,
        _ x: UnsafeRawPointer,
        _ y: UnsafeMutableRawPointer,
        _ context: KernelContext,
        _ type: Element.Type
    ) {
        let source = unsafe x.assumingMemoryBound(to: Element.self)
        let target = unsafe y.assumingMemoryBound(to: Element.self)
        let cost = Double(geometry.foldedCount) * 2 + 20
        context.forEach(
            geometry.keptCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for result in range {
                switch function {
                case .mean, .l2, .logSum, .logSumExp:
                    let value = unsafe real(function, geometry, result, source)
                    unsafe target[result] = Element(castingReal: value)
                default:
                    var sum: Element = function == .product ? 1 : 0
                    if function == .maximum { sum = .min }
                    if function == .minimum { sum = .max }
                    unsafe forEach(geometry, result) { index in
                        let v = unsafe source[index]
                        switch function {
                        case .maximum: sum = v > sum ? v : sum
                        case .minimum: sum = v < sum ? v : sum
                        case .product: sum = sum &* v
                        case .l1: sum = v < 0 ? sum &- v : sum &+ v
                        case .sumOfSquares: sum = sum &+ v &* v
                        default: sum = sum &+ v
                        }
                    }
                    unsafe target[result] = sum
                }
            }
        }
    }

    /// The folds of integers that are not integers themselves.
    @unsafe private static func real<Element: FixedWidthInteger>(
        _ function: ReductionFunction,
        _ geometry: FoldGeometry,
        _ result: Int,
        _ source: UnsafePointer<Element>
    ) -> Double {
        var sum = 0.0
        var largest = -Double.infinity
        unsafe forEach(geometry, result) { index in
            let v = unsafe Double(source[index])
            sum += function == .l2 ? v * v : v
            largest = Swift.max(largest, v)
        }
        switch function {
        case .mean: return sum / Double(geometry.foldedCount)
        case .l2: return sum.squareRoot()
        case .logSum: return log(sum)
        default:
            var exponentials = 0.0
            unsafe forEach(geometry, result) { index in
                exponentials += unsafe exp(Double(source[index]) - largest)
            }
            return largest + log(exponentials)
        }
    }
}

extension FixedWidthInteger {
    /// Truncates towards zero; saturates; NaN gives 0.
    fileprivate init(castingReal value: Double) {
        if let exact = Self(exactly: value.rounded(.towardZero)) {
            self = exact
        } else {
            self = value.isNaN ? 0 : value < 0 ? .min : .max
        }
    }
}
