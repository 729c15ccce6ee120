internal import TernMicrokernels
package import TernTensor

extension Elementwise {
    /// Converts between element types by ONNX Cast's rules.
    ///
    /// Floats to integers truncate towards zero, and saturate where C leaves the result undefined
    /// (NaN gives 0); integers to narrower integers keep the low bits; anything not zero is `true`;
    /// floats to narrower floats round to nearest, ties to even. `y` may be `x` only if the types are
    /// equally large.
    @discardableResult
    @unsafe package static func cast(
        _ x: UnsafeRawPointer,
        of source: ElementType,
        into y: UnsafeMutableRawPointer,
        of target: ElementType,
        count: Int,
        context: KernelContext
    ) -> Bool {
        guard let byteCount = source.byteCount, target.byteCount != nil else { return false }
        let cost = 0.3
        let grain = KernelContext.grain(nanosecondsPerPiece: cost)
        let table = context.table
        switch (source, target) {
        case (.fp16, .fp32), (.bf16, .fp32):
            let halves = unsafe x.assumingMemoryBound(to: UInt16.self)
            let floats = unsafe y.assumingMemoryBound(to: Float.self)
            let widen = unsafe source == .fp16 ? table.widenHalf : table.widenBFloat
            context.forEach(count, grain: grain, nanosecondsPerPiece: cost) { range in
                let start = range.lowerBound
                unsafe widen(halves + start, floats + start, range.count)
            }
        case (.fp32, .fp16), (.fp32, .bf16):
            let floats = unsafe x.assumingMemoryBound(to: Float.self)
            let halves = unsafe y.assumingMemoryBound(to: UInt16.self)
            let narrow = unsafe target == .fp16 ? table.narrowHalf : table.narrowBFloat
            context.forEach(count, grain: grain, nanosecondsPerPiece: cost) { range in
                let start = range.lowerBound
                unsafe narrow(floats + start, halves + start, range.count)
            }
        case _ where source == target && source != .bool:
            if count > 0, unsafe x != UnsafeRawPointer(y) {
                unsafe y.copyMemory(from: x, byteCount: count * byteCount)
            }
        default: unsafe castPlain(x, source, y, target, count, context)
        }
        return true
    }

    private static func castPlain(
        _ x: UnsafeRawPointer,
        _ source: ElementType,
        _ y: UnsafeMutableRawPointer,
        _ target: ElementType,
        _ count: Int,
        _ context: KernelContext
    ) {
        switch source {
        case .bool: unsafe castFrom(x, BooleanByte.self, y, target, count, context)
        case .uint8: unsafe castFrom(x, UInt8.self, y, target, count, context)
        case .uint16: unsafe castFrom(x, UInt16.self, y, target, count, context)
        case .uint32: unsafe castFrom(x, UInt32.self, y, target, count, context)
        case .uint64: unsafe castFrom(x, UInt64.self, y, target, count, context)
        case .int8: unsafe castFrom(x, Int8.self, y, target, count, context)
        case .int16: unsafe castFrom(x, Int16.self, y, target, count, context)
        case .int32: unsafe castFrom(x, Int32.self, y, target, count, context)
        case .int64: unsafe castFrom(x, Int64.self, y, target, count, context)
        case .fp16: unsafe castFrom(x, HalfBits.self, y, target, count, context)
        case .bf16: unsafe castFrom(x, BFloatBits.self, y, target, count, context)
        case .fp32: unsafe castFrom(x, Float.self, y, target, count, context)
        case .fp64: unsafe castFrom(x, Double.self, y, target, count, context)
        case .bytes: break
        }
    }

    private static func castFrom<Source: CastElement>(
        _ x: UnsafeRawPointer,
        _ source: Source.Type,
        _ y: UnsafeMutableRawPointer,
        _ target: ElementType,
        _ count: Int,
        _ context: KernelContext
    ) {
        switch target {
        case .bool: unsafe cast(x, source, y, BooleanByte.self, count, context)
        case .uint8: unsafe cast(x, source, y, UInt8.self, count, context)
        case .uint16: unsafe cast(x, source, y, UInt16.self, count, context)
        case .uint32: unsafe cast(x, source, y, UInt32.self, count, context)
        case .uint64: unsafe cast(x, source, y, UInt64.self, count, context)
        case .int8: unsafe cast(x, source, y, Int8.self, count, context)
        case .int16: unsafe cast(x, source, y, Int16.self, count, context)
        case .int32: unsafe cast(x, source, y, Int32.self, count, context)
        case .int64: unsafe cast(x, source, y, Int64.self, count, context)
        case .fp16: unsafe cast(x, source, y, HalfBits.self, count, context)
        case .bf16: unsafe cast(x, source, y, BFloatBits.self, count, context)
        case .fp32: unsafe cast(x, source, y, Float.self, count, context)
        case .fp64: unsafe cast(x, source, y, Double.self, count, context)
        case .bytes: break
        }
    }

    private static func cast<Source: CastElement, Target: CastElement>(
        _ x: UnsafeRawPointer,
        _ source: Source.Type,
        _ y: UnsafeMutableRawPointer,
        _ target: Target.Type,
        _ count: Int,
        _ context: KernelContext
    ) {
        let from = unsafe x.assumingMemoryBound(to: Source.self)
        let to = unsafe y.assumingMemoryBound(to: Target.self)
        context.forEach(count, grain: 8192, nanosecondsPerPiece: 2) { range in
            for i in range { unsafe to[i] = from[i].converted(to: Target.self) }
        }
    }
}

/// An element that can be converted to every other.
internal protocol CastElement: BitwiseCopyable {
    init<Integer: FixedWidthInteger>(castingInteger value: Integer)
    init(castingDouble value: Double)
    func converted<Target: CastElement>(to type: Target.Type) -> Target
}

extension CastElement where Self: FixedWidthInteger {
    internal init<Integer: FixedWidthInteger>(castingInteger value: Integer) {
        self.init(truncatingIfNeeded: value)
    }

    internal init(castingDouble value: Double) {
        if let exact = Self(exactly: value.rounded(.towardZero)) {
            self = exact
        } else {
            self = value.isNaN ? 0 : value < 0 ? .min : .max
        }
    }

    internal func converted<Target: CastElement>(to type: Target.Type) -> Target {
        Target(castingInteger: self)
    }
}

extension UInt8: CastElement {}
extension UInt16: CastElement {}
extension UInt32: CastElement {}
extension UInt64: CastElement {}
extension Int8: CastElement {}
extension Int16: CastElement {}
extension Int32: CastElement {}
extension Int64: CastElement {}

extension Float: CastElement {
    internal init<Integer: FixedWidthInteger>(castingInteger value: Integer) { self.init(value) }
    internal init(castingDouble value: Double) { self.init(value) }
    internal func converted<Target: CastElement>(to type: Target.Type) -> Target {
        Target(castingDouble: Double(self))
    }
}

extension Double: CastElement {
    internal init<Integer: FixedWidthInteger>(castingInteger value: Integer) { self.init(value) }
    internal init(castingDouble value: Double) { self = value }
    internal func converted<Target: CastElement>(to type: Target.Type) -> Target {
        Target(castingDouble: self)
    }
}

extension HalfBits: CastElement {
    internal init<Integer: FixedWidthInteger>(castingInteger value: Integer) {
        self.init(Double(value))
    }
    internal init(castingDouble value: Double) { self.init(value) }
    internal func converted<Target: CastElement>(to type: Target.Type) -> Target {
        Target(castingDouble: Double(float))
    }
}

extension BFloatBits: CastElement {
    internal init<Integer: FixedWidthInteger>(castingInteger value: Integer) {
        self.init(Float(value))
    }
    internal init(castingDouble value: Double) { self.init(Float(value)) }
    internal func converted<Target: CastElement>(to type: Target.Type) -> Target {
        Target(castingDouble: Double(float))
    }
}

/// A BOOL: anything but 0 is read as true, and true is written as 1.
internal struct BooleanByte: CastElement {
    internal var byte: UInt8

    internal init<Integer: FixedWidthInteger>(castingInteger value: Integer) {
        byte = value == 0 ? 0 : 1
    }
    internal init(castingDouble value: Double) { byte = value == 0 ? 0 : 1 }
    internal func converted<Target: CastElement>(to type: Target.Type) -> Target {
        Target(castingInteger: byte == 0 ? UInt8(0) : 1)
    }
}
