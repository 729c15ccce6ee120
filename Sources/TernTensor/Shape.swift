/// The sizes of a tensor along each axis, outermost first, row-major.
///
/// The storage is inline: a shape never allocates. A scalar has rank 0 and one element; a shape
/// with a zero has none.
public struct Shape: Sendable {
    /// The largest rank there is.
    public static let maximumRank = 8

    @usableFromInline internal var sizes: InlineArray<8, Int>

    /// The number of axes.
    @usableFromInline internal var axisCount: Int

    /// The shape of a scalar.
    @inlinable
    public init() {
        sizes = InlineArray(repeating: 0)
        axisCount = 0
    }

    /// Makes a shape from sizes, outermost first.
    ///
    /// - Parameter sizes: At most ``maximumRank`` sizes, none negative.
    /// - Precondition: Both limits hold. Sizes from outside go through ``init(validating:)``.
    @inlinable
    public init(_ sizes: some Sequence<Int>) {
        self.init()
        for size in sizes { append(size) }
    }

    /// Makes a shape from sizes that nobody has checked.
    ///
    /// - Parameter sizes: Sizes from outside; `nil` comes back if there are more than
    ///   ``maximumRank`` or one is negative.
    @inlinable
    public init?(validating sizes: some Sequence<Int>) {
        self.init()
        for size in sizes {
            guard axisCount < Self.maximumRank, size >= 0 else { return nil }
            append(size)
        }
    }

    /// The number of axes.
    @inlinable public var rank: Int { axisCount }

    /// Adds an axis after the innermost.
    ///
    /// - Precondition: The rank is below ``maximumRank`` and `size` is not negative.
    @inlinable
    public mutating func append(_ size: Int) {
        precondition(axisCount < Self.maximumRank, "a shape has at most 8 axes")
        precondition(size >= 0, "an axis cannot have a negative size")
        sizes[axisCount] = size
        axisCount += 1
    }

    /// The product of all sizes; `nil` if it doesn't fit an `Int`.
    @inlinable
    public var checkedElementCount: Int? {
        var product = 1
        for axis in 0..<axisCount where sizes[axis] == 0 { return 0 }
        for axis in 0..<axisCount {
            let (next, overflow) = product.multipliedReportingOverflow(by: sizes[axis])
            if overflow { return nil }
            product = next
        }
        return product
    }

    /// Whether no product of some of the sizes, counted in bytes of any type, can overflow an `Int`.
    ///
    /// That does not follow from ``checkedElementCount``, which is 0 as soon as one size is.
    package var isBounded: Bool {
        var product = 1
        for axis in 0..<axisCount {
            let (next, overflow) = product.multipliedReportingOverflow(
                by: Swift.max(sizes[axis], 1)
            )
            if overflow || next > Int.max >> 6 { return false }
            product = next
        }
        return true
    }

    /// The product of all sizes.
    ///
    /// - Precondition: It fits an `Int`.
    @inlinable
    public var elementCount: Int {
        guard let count = checkedElementCount else {
            preconditionFailure("the number of elements of a shape overflows")
        }
        return count
    }

    /// The bytes of a dense tensor of this shape; `nil` if the elements differ in length
    /// (`BYTES`) or the number doesn't fit an `Int`.
    @inlinable
    public func byteCount(of elementType: ElementType) -> Int? {
        guard let elementByteCount = elementType.byteCount, let count = checkedElementCount else {
            return nil
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: elementByteCount)
        return overflow ? nil : bytes
    }
}

extension Shape: RandomAccessCollection, MutableCollection {
    /// The first axis.
    @inlinable public var startIndex: Int { 0 }
    /// One past the last axis.
    @inlinable public var endIndex: Int { axisCount }

    /// The size of the axis at `axis`, counted from the outermost.
    @inlinable
    public subscript(axis: Int) -> Int {
        get {
            precondition(axis >= 0 && axis < axisCount, "no such axis")
            return sizes[axis]
        }
        set {
            precondition(axis >= 0 && axis < axisCount, "no such axis")
            precondition(newValue >= 0, "an axis cannot have a negative size")
            sizes[axis] = newValue
        }
    }
}

extension Shape: ExpressibleByArrayLiteral {
    /// Makes a shape from a literal such as `[1, 28, 28]`.
    @inlinable
    public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: Hashable {
    /// Shapes are equal if they have the same rank and sizes.
    @inlinable
    public static func == (left: Shape, right: Shape) -> Bool {
        guard left.axisCount == right.axisCount else { return false }
        for axis in 0..<left.axisCount where left.sizes[axis] != right.sizes[axis] { return false }
        return true
    }

    /// Feeds the rank and the sizes to `hasher`.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(axisCount)
        for axis in 0..<axisCount { hasher.combine(sizes[axis]) }
    }
}

extension Shape: CustomStringConvertible {
    /// The sizes in brackets, such as `[1, 28, 28]`.
    public var description: String { "[" + map(String.init).joined(separator: ", ") + "]" }
}
