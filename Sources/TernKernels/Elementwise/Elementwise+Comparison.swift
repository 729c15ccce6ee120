package import TernMicrokernels
package import TernTensor

extension Elementwise {
    /// z = x ? y, one byte each (BOOL), broadcast; BOOL itself for `equal` and `notEqual` only.
    @discardableResult
    @unsafe package static func compare(
        _ function: ComparisonFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        into z: UnsafeMutablePointer<UInt8>,
        broadcast: Broadcast,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool {
        switch elementType {
        case .fp32: unsafe compare(function, x, y, z, broadcast, context, Float.self)
        case .fp64: unsafe compare(function, x, y, z, broadcast, context, Double.self)
        case .fp16: unsafe compare(function, x, y, z, broadcast, context, HalfBits.self)
        case .bf16: unsafe compare(function, x, y, z, broadcast, context, BFloatBits.self)
        case .int8: unsafe compare(function, x, y, z, broadcast, context, Int8.self)
        case .int16: unsafe compare(function, x, y, z, broadcast, context, Int16.self)
        case .int32: unsafe compare(function, x, y, z, broadcast, context, Int32.self)
        case .int64: unsafe compare(function, x, y, z, broadcast, context, Int64.self)
        case .uint8: unsafe compare(function, x, y, z, broadcast, context, UInt8.self)
        case .uint16: unsafe compare(function, x, y, z, broadcast, context, UInt16.self)
        case .uint32: unsafe compare(function, x, y, z, broadcast, context, UInt32.self)
        case .uint64: unsafe compare(function, x, y, z, broadcast, context, UInt64.self)
        case .bool:
            guard function == .equal || function == .notEqual else { return false }
            unsafe compare(function, x, y, z, broadcast, context, TruthByte.self)
        case .bytes: return false
        }
        return true
    }

    private static func compare<Element: Comparable & BitwiseCopyable>(
        _ function: ComparisonFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutablePointer<UInt8>,
        _ broadcast: Broadcast,
        _ context: KernelContext,
        _ type: Element.Type
    ) {
        let left = unsafe x.assumingMemoryBound(to: Element.self)
        let right = unsafe y.assumingMemoryBound(to: Element.self)
        let strides = (broadcast.innerStride(0), broadcast.innerStride(1))
        broadcast.forEachRow(nanosecondsPerElement: 0.3, context: context) { row in
            let a = unsafe left + row.offsets[0]
            let b = unsafe right + row.offsets[1]
            let c = unsafe z + row.output
            switch function {
            case .equal: unsafe compareRow(a, b, c, strides, row.count) { $0 == $1 }
            case .notEqual: unsafe compareRow(a, b, c, strides, row.count) { $0 != $1 }
            case .less: unsafe compareRow(a, b, c, strides, row.count) { $0 < $1 }
            case .lessOrEqual: unsafe compareRow(a, b, c, strides, row.count) { $0 <= $1 }
            case .greater: unsafe compareRow(a, b, c, strides, row.count) { $0 > $1 }
            case .greaterOrEqual: unsafe compareRow(a, b, c, strides, row.count) { $0 >= $1 }
            }
        }
    }

    /// The compiler makes vectors of a loop whose strides it knows.
    @inline(__always)
    private static func compareRow<Element: BitwiseCopyable>(
        _ x: UnsafePointer<Element>,
        _ y: UnsafePointer<Element>,
        _ z: UnsafeMutablePointer<UInt8>,
        _ strides: (x: Int, y: Int),
        _ count: Int,
        _ holds: (Element, Element) -> Bool
    ) {
        switch strides {
        case (1, 1): for i in 0..<count { unsafe z[i] = holds(x[i], y[i]) ? 1 : 0 }
        case (1, 0):
            let right = unsafe y.pointee
            for i in 0..<count { unsafe z[i] = holds(x[i], right) ? 1 : 0 }
        case (0, 1):
            let left = unsafe x.pointee
            for i in 0..<count { unsafe z[i] = holds(left, y[i]) ? 1 : 0 }
        default:
            for i in 0..<count {
                unsafe z[i] = holds(x[i &* strides.x], y[i &* strides.y]) ? 1 : 0
            }
        }
    }

    /// z = condition ? x : y, broadcast in the order (condition, x, y); any type of fixed size.
    @discardableResult
    @unsafe package static func select(
        _ condition: UnsafePointer<UInt8>,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        into z: UnsafeMutableRawPointer,
        broadcast: Broadcast,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool {
        switch elementType.byteCount {
        case 1: unsafe select(condition, x, y, z, broadcast, context, UInt8.self)
        case 2: unsafe select(condition, x, y, z, broadcast, context, UInt16.self)
        case 4: unsafe select(condition, x, y, z, broadcast, context, UInt32.self)
        case 8: unsafe select(condition, x, y, z, broadcast, context, UInt64.self)
        default: return false
        }
        return true
    }

    private static func select<Element: BitwiseCopyable>(
        _ condition: UnsafePointer<UInt8>,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        _ z: UnsafeMutableRawPointer,
        _ broadcast: Broadcast,
        _ context: KernelContext,
        _ type: Element.Type
    ) {
        let left = unsafe x.assumingMemoryBound(to: Element.self)
        let right = unsafe y.assumingMemoryBound(to: Element.self)
        let target = unsafe z.assumingMemoryBound(to: Element.self)
        let strides = (
            broadcast.innerStride(0), broadcast.innerStride(1), broadcast.innerStride(2)
        )
        broadcast.forEachRow(nanosecondsPerElement: 1, context: context) { row in
            let c = unsafe condition + row.offsets[0]
            let a = unsafe left + row.offsets[1]
            let b = unsafe right + row.offsets[2]
            let result = unsafe target + row.output
            for i in 0..<row.count {
                unsafe result[i] =
                    c[i &* strides.0] != 0 ? a[i &* strides.1] : b[i &* strides.2]
            }
        }
    }
}
