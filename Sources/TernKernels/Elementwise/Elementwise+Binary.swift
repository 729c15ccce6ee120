internal import Glibc
package import TernMicrokernels
package import TernTensor

extension Elementwise {
    /// z = f(x, y), broadcast.
    ///
    /// FP32 vectorised; FP64 and integers plain; FP16 and BF16 through FP32 with one rounding; BOOL for
    /// the bit functions. `modulo` of floats has the sign of the divisor.
    @discardableResult
    @unsafe package static func apply(
        _ function: BinaryFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        into z: UnsafeMutableRawPointer,
        broadcast: Broadcast,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool {
        switch elementType {
        case .fp32: unsafe applyFloats(function, x, y, z, broadcast, context)
        case .fp64: unsafe applyDoubles(function, x, y, z, broadcast, context)
        case .fp16, .bf16:
            unsafe applyHalves(function, x, y, z, broadcast, elementType, context)
        case .int8: unsafe applyIntegers(function, x, y, z, broadcast, context, Int8.self)
        case .int16: unsafe applyIntegers(function, x, y, z, broadcast, context, Int16.self)
        case .int32: unsafe applyIntegers(function, x, y, z, broadcast, context, Int32.self)
        case .int64: unsafe applyIntegers(function, x, y, z, broadcast, context, Int64.self)
        case .uint8: unsafe applyIntegers(function, x, y, z, broadcast, context, UInt8.self)
        case .uint16: unsafe applyIntegers(function, x, y, z, broadcast, context, UInt16.self)
        case .uint32: unsafe applyIntegers(function, x, y, z, broadcast, context, UInt32.self)
        case .uint64: unsafe applyIntegers(function, x, y, z, broadcast, context, UInt64.self)
        case .bool: unsafe applyBooleans(function, x, y, z, broadcast, context)
        case .bytes: false
        }
    }

    /// How the two sides of a row are read.
    private static func operands(_ broadcast: Broadcast) -> BinaryOperands {
        if broadcast.innerStride(0) == 0, broadcast.innerStride(1) != 0 { return .leftScalar }
        if broadcast.innerStride(1) == 0, broadcast.innerStride(0) != 0 { return .rightScalar }
        return .arrays
    }

    private static func isBitFunction(_ function: BinaryFunction) -> Bool {
        switch function {
        case .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight: true
        default: false
        }
    }

    private static func applyFloats(
        _ function: BinaryFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutableRawPointer,
        _ broadcast: Broadcast,
        _ context: KernelContext
    ) -> Bool {
        guard !isBitFunction(function) else { return false }
        let left = unsafe x.assumingMemoryBound(to: Float.self)
        let right = unsafe y.assumingMemoryBound(to: Float.self)
        let target = unsafe z.assumingMemoryBound(to: Float.self)
        let operands = operands(broadcast)
        let cost = function == .power || function == .modulo || function == .remainder ? 15 : 0.2
        broadcast.forEachRow(nanosecondsPerElement: cost, context: context) { row in
            unsafe BinaryDriver.run(
                function,
                operands,
                left + row.offsets[0],
                right + row.offsets[1],
                into: target + row.output,
                count: row.count,
                table: context.table
            )
        }
        return true
    }

    private static func applyDoubles(
        _ function: BinaryFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutableRawPointer,
        _ broadcast: Broadcast,
        _ context: KernelContext
    ) -> Bool {
        let f: (Double, Double) -> Double
        switch function {
        case .add: f = { $0 + $1 }
        case .subtract: f = { $0 - $1 }
        case .multiply: f = { $0 * $1 }
        case .divide: f = { $0 / $1 }
        case .minimum: f = { $0.isNaN ? $0 : $0 < $1 ? $0 : $1 }
        case .maximum: f = { $0.isNaN ? $0 : $0 > $1 ? $0 : $1 }
        case .power: f = { pow($0, $1) }
        case .modulo:
            f = { x, y in
                let r = fmod(x, y)
                return r != 0 && (r < 0) != (y < 0) ? r + y : r
            }
        case .remainder: f = { fmod($0, $1) }
        case .prelu: f = { $0 < 0 ? $0 * $1 : $0 }
        default: return false
        }
        unsafe pairs(x, y, z, broadcast, context, as: Double.self, to: Double.self, f)
        return true
    }

    private static func applyHalves(
        _ function: BinaryFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutableRawPointer,
        _ broadcast: Broadcast,
        _ elementType: ElementType,
        _ context: KernelContext
    ) -> Bool {
        guard !isBitFunction(function) else { return false }
        let table = context.table
        let widen = unsafe elementType == .fp16 ? table.widenHalf : table.widenBFloat
        let narrow = unsafe elementType == .fp16 ? table.narrowHalf : table.narrowBFloat
        let left = unsafe x.assumingMemoryBound(to: UInt16.self)
        let right = unsafe y.assumingMemoryBound(to: UInt16.self)
        let target = unsafe z.assumingMemoryBound(to: UInt16.self)
        let operands = operands(broadcast)
        broadcast.forEachRow(nanosecondsPerElement: 1, context: context) { row in
            var blocks = InlineArray<2, InlineArray<128, Float>>(
                repeating: InlineArray(repeating: 0)
            )
            unsafe withUnsafeMutableBytes(of: &blocks) { bytes in
                let a = unsafe bytes.baseAddress!.assumingMemoryBound(to: Float.self)
                let b = unsafe a + 128
                var i = 0
                while i < row.count {
                    let part = Swift.min(128, row.count - i)
                    let leftOffset = row.offsets[0] + i * broadcast.innerStride(0)
                    let rightOffset = row.offsets[1] + i * broadcast.innerStride(1)
                    unsafe widen(left + leftOffset, a, operands == .leftScalar ? 1 : part)
                    unsafe widen(right + rightOffset, b, operands == .rightScalar ? 1 : part)
                    // The result goes over the side that is an array.
                    let result = unsafe operands == .leftScalar ? b : a
                    unsafe BinaryDriver.run(
                        function,
                        operands,
                        a,
                        b,
                        into: result,
                        count: part,
                        table: table
                    )
                    unsafe narrow(result, target + row.output + i, part)
                    i += part
                }
            }
        }
        return true
    }

    private static func applyIntegers<Element: FixedWidthInteger & BitwiseCopyable>(
        _ function: BinaryFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutableRawPointer,
        _ broadcast: Broadcast,
        _ context: KernelContext,
        _ type: Element.Type
    ) -> Bool {
        let f: (Element, Element) -> Element
        switch function {
        case .add: f = { $0 &+ $1 }
        case .subtract: f = { $0 &- $1 }
        case .multiply: f = { $0 &* $1 }
        case .divide: f = { $1 == 0 ? 0 : $0.dividedReportingOverflow(by: $1).partialValue }
        case .minimum: f = { $0 < $1 ? $0 : $1 }
        case .maximum: f = { $0 > $1 ? $0 : $1 }
        case .power: f = { power($0, $1) }
        case .modulo:
            f = { x, y in
                guard y != 0 else { return 0 }
                let r = x.remainderReportingOverflow(dividingBy: y).partialValue
                return r != 0 && (r < 0) != (y < 0) ? r &+ y : r
            }
        case .remainder:
            f = { $1 == 0 ? 0 : $0.remainderReportingOverflow(dividingBy: $1).partialValue }
        case .prelu: f = { $0 < 0 ? $0 &* $1 : $0 }
        case .bitAnd: f = { $0 & $1 }
        case .bitOr: f = { $0 | $1 }
        case .bitXor: f = { $0 ^ $1 }
        // Shifting by a negative number, or further than there are bits, shifts everything out.
        case .shiftLeft: f = { $1 < 0 ? 0 : $0 << $1 }
        case .shiftRight: f = { $1 < 0 ? ($0 < 0 ? ~0 : 0) : $0 >> $1 }
        }
        unsafe pairs(x, y, z, broadcast, context, as: Element.self, to: Element.self, f)
        return true
    }

    /// Wraps on overflow; a negative exponent gives what truncating the true value gives.
    private static func power<Element: FixedWidthInteger>(
        _ base: Element,
        _ exponent: Element
    ) -> Element {
        if exponent < 0 {
            if base == 1 { return 1 }
            if Element.isSigned, base == 0 &- 1 { return exponent & 1 == 0 ? 1 : base }
            return 0
        }
        var result: Element = 1
        var factor = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = result &* factor }
            factor = factor &* factor
            rest >>= 1
        }
        return result
    }

    private static func applyBooleans(
        _ function: BinaryFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutableRawPointer,
        _ broadcast: Broadcast,
        _ context: KernelContext
    ) -> Bool {
        let f: (UInt8, UInt8) -> UInt8
        switch function {
        case .bitAnd: f = { $0 != 0 && $1 != 0 ? 1 : 0 }
        case .bitOr: f = { $0 != 0 || $1 != 0 ? 1 : 0 }
        case .bitXor: f = { ($0 != 0) != ($1 != 0) ? 1 : 0 }
        default: return false
        }
        unsafe pairs(x, y, z, broadcast, context, as: UInt8.self, to: UInt8.self, f)
        return true
    }

    /// The plain loop over pairs.
    ///
    /// Inlined, so that the function is part of the loop; a call for each pair would cost ten times
    /// what the pair does.
    @inline(__always)
    internal static func pairs<Element: BitwiseCopyable, Result: BitwiseCopyable>(
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutableRawPointer,
        _ broadcast: Broadcast,
        _ context: KernelContext,
        as element: Element.Type,
        to result: Result.Type,
        _ function: (Element, Element) -> Result
    ) {
        let left = unsafe x.assumingMemoryBound(to: Element.self)
        let right = unsafe y.assumingMemoryBound(to: Element.self)
        let target = unsafe z.assumingMemoryBound(to: Result.self)
        let leftStride = broadcast.innerStride(0)
        let rightStride = broadcast.innerStride(1)
        broadcast.forEachRow(nanosecondsPerElement: 2, context: context) { row in
            let a = unsafe left + row.offsets[0]
            let b = unsafe right + row.offsets[1]
            let c = unsafe target + row.output
            // The compiler makes vectors of a loop whose strides it knows.
            switch (leftStride, rightStride) {
            case (1, 1): for i in 0..<row.count { unsafe c[i] = function(a[i], b[i]) }
            case (1, 0):
                let right = unsafe b[0]
                for i in 0..<row.count { unsafe c[i] = function(a[i], right) }
            case (0, 1):
                let left = unsafe a[0]
                for i in 0..<row.count { unsafe c[i] = function(left, b[i]) }
            default:
                for i in 0..<row.count {
                    unsafe c[i] = function(a[i &* leftStride], b[i &* rightStride])
                }
            }
        }
    }
}

/// One row of pairs through a binary function, vectorised or from the C library.
internal enum BinaryDriver {
    /// z = f(x, y); `z` may be a side that is an array.
    @unsafe internal static func run(
        _ function: BinaryFunction,
        _ operands: BinaryOperands,
        _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>,
        into z: UnsafeMutablePointer<Float>,
        count: Int,
        table: KernelTable
    ) {
        guard unsafe !table.binary(function, operands, x, y, z, count) else { return }
        let xStride = operands == .leftScalar ? 0 : 1
        let yStride = operands == .rightScalar ? 0 : 1
        switch function {
        case .power:
            for i in 0..<count { unsafe z[i] = powf(x[i * xStride], y[i * yStride]) }
        case .modulo:
            for i in 0..<count {
                let divisor = unsafe y[i * yStride]
                let r = unsafe fmodf(x[i * xStride], divisor)
                unsafe z[i] = r != 0 && (r < 0) != (divisor < 0) ? r + divisor : r
            }
        case .remainder:
            for i in 0..<count { unsafe z[i] = fmodf(x[i * xStride], y[i * yStride]) }
        default: preconditionFailure("bits of floats cannot be combined")
        }
    }
}
