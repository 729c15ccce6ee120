import TernGraph
import TernTensor

/// A type of elements that plain loops calculate with; whole numbers wrap.
protocol ArithmeticElement: Comparable, BitwiseCopyable, Sendable {
    static var zero: Self { get }
    static var one: Self { get }
    /// a + b.
    static func sum(_ a: Self, _ b: Self) -> Self
    /// a · b.
    static func product(_ a: Self, _ b: Self) -> Self
    /// The number nearest to it, as far as the type has one.
    init(scaling: Float)
}

extension ArithmeticElement where Self: BinaryFloatingPoint {
    static var one: Self { 1 }
    static func sum(_ a: Self, _ b: Self) -> Self { a + b }
    static func product(_ a: Self, _ b: Self) -> Self { a * b }
    init(scaling number: Float) { self.init(number) }
}

extension ArithmeticElement where Self: FixedWidthInteger {
    static var one: Self { 1 }
    static func sum(_ a: Self, _ b: Self) -> Self { a &+ b }
    static func product(_ a: Self, _ b: Self) -> Self { a &* b }
    init(scaling number: Float) { self = Self(exactly: number.rounded(.towardZero)) ?? 0 }
}

extension Float: ArithmeticElement {}
extension Double: ArithmeticElement {}
extension Int8: ArithmeticElement {}
extension Int16: ArithmeticElement {}
extension Int32: ArithmeticElement {}
extension Int64: ArithmeticElement {}
extension UInt8: ArithmeticElement {}
extension UInt16: ArithmeticElement {}
extension UInt32: ArithmeticElement {}
extension UInt64: ArithmeticElement {}

/// A kernel that is the same for every element type.
protocol PlainKernel {
    /// Makes it for one type.
    func kernel<Element: ArithmeticElement>(_ type: Element.Type) throws(OperatorError) -> Kernel
}

extension PlainKernel {
    /// Makes it for the type of a tensor.
    func kernel(of type: ElementType) throws(OperatorError) -> Kernel {
        switch type {
        case .fp32: return try kernel(Float.self)
        case .fp64: return try kernel(Double.self)
        case .int8: return try kernel(Int8.self)
        case .int16: return try kernel(Int16.self)
        case .int32: return try kernel(Int32.self)
        case .int64: return try kernel(Int64.self)
        case .uint8: return try kernel(UInt8.self)
        case .uint16: return try kernel(UInt16.self)
        case .uint32: return try kernel(UInt32.self)
        case .uint64: return try kernel(UInt64.self)
        case .bool, .bytes, .fp16, .bf16:
            throw OperatorError("\(type) cannot be calculated with here")
        }
    }
}
