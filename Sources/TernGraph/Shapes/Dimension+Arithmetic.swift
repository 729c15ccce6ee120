package import TernTensor

// Arithmetic on sizes that may be known by name only. A result that is not a number gets a name
// that says how it came about, such as `4*batch` or `(height+1)`, so that two sizes computed in the
// same way are known to be equal. The names are kept canonical in the cases that models need
// (constant offsets add up, factors are ordered and cancel) and become unknown when they get long.
extension Dimension {
    /// The longest name that arithmetic makes; beyond it a size becomes unknown.
    package static let nameLengthLimit = 96

    /// Adds two sizes.
    package static func + (left: Dimension, right: Dimension) -> Dimension {
        switch (left, right) {
        case (.fixed(let a), .fixed(let b)):
            let (sum, overflow) = a.addingReportingOverflow(b)
            return overflow ? .unknown : .fixed(sum)
        case (.symbolic(let name), .fixed(let offset)), (.fixed(let offset), .symbolic(let name)):
            return OffsetName(name).adding(offset)
        case (.symbolic(let a), .symbolic(let b)):
            return named("(" + [a, b].sorted().joined(separator: "+") + ")")
        case (.unknown, _), (_, .unknown): return .unknown
        }
    }

    /// Subtracts a size.
    package static func - (left: Dimension, right: Dimension) -> Dimension {
        switch (left, right) {
        case (_, .fixed(let b)): return b == .min ? .unknown : left + .fixed(-b)
        case (.symbolic(let a), .symbolic(let b)):
            let (first, second) = (OffsetName(a), OffsetName(b))
            if first.base == second.base {
                let (difference, overflow) = first.offset.subtractingReportingOverflow(
                    second.offset
                )
                return overflow ? .unknown : .fixed(difference)
            }
            return named("(\(a)-\(b))")
        case (.fixed(let a), .symbolic(let b)): return named("(\(a)-\(b))")
        case (.unknown, _), (_, .unknown): return .unknown
        }
    }

    /// Multiplies two sizes.
    package static func * (left: Dimension, right: Dimension) -> Dimension {
        product(of: [left, right])
    }

    /// Multiplies sizes.
    package static func product(of dimensions: some Sequence<Dimension>) -> Dimension {
        Factors(dimensions)?.dimension ?? .unknown
    }

    /// Divides sizes without remainder where that can be shown: `nil` if it leaves a remainder or
    /// divides by zero, ``unknown`` if that cannot be said.
    package func dividedExactly(by divisor: Dimension) -> Dimension? {
        if case .fixed(0) = divisor { return nil }
        guard var dividend = Factors([self]), let divisor = Factors([divisor]) else {
            return .unknown
        }
        if dividend.coefficient == 0 { return .fixed(0) }
        for name in divisor.names {
            guard let index = dividend.names.firstIndex(of: name) else { return .unknown }
            dividend.names.remove(at: index)
        }
        guard dividend.coefficient.isMultiple(of: divisor.coefficient) else {
            return dividend.names.isEmpty ? nil : .unknown
        }
        dividend.coefficient /= divisor.coefficient
        return dividend.dimension
    }

    /// Divides and rounds down, towards negative infinity.
    ///
    /// - Precondition: The divisor is positive.
    package func dividedRoundingDown(by divisor: Int) -> Dimension {
        precondition(divisor > 0, "a size is divided by a positive number")
        switch self {
        case .fixed(let size):
            let (quotient, remainder) = size.quotientAndRemainder(dividingBy: divisor)
            return .fixed(remainder < 0 ? quotient - 1 : quotient)
        case .symbolic(let name):
            if divisor == 1 { return self }
            if let exact = dividedExactly(by: .fixed(divisor)), exact != .unknown { return exact }
            return Self.named("floor(\(name)/\(divisor))")
        case .unknown: return .unknown
        }
    }

    /// Divides and rounds up, towards positive infinity.
    ///
    /// - Precondition: The divisor is positive.
    package func dividedRoundingUp(by divisor: Int) -> Dimension {
        precondition(divisor > 0, "a size is divided by a positive number")
        switch self {
        case .fixed(let size):
            let (quotient, remainder) = size.quotientAndRemainder(dividingBy: divisor)
            return .fixed(remainder > 0 ? quotient + 1 : quotient)
        case .symbolic(let name):
            if divisor == 1 { return self }
            if let exact = dividedExactly(by: .fixed(divisor)), exact != .unknown { return exact }
            return Self.named("ceil(\(name)/\(divisor))")
        case .unknown: return .unknown
        }
    }

    /// Whether both are known to be the same size.
    package func isKnownEqual(to other: Dimension) -> Bool { self == other && self != .unknown }

    /// Whether both are known, and differ.
    package func isKnownDifferent(from other: Dimension) -> Bool {
        guard let size = fixedSize, let otherSize = other.fixedSize else { return false }
        return size != otherSize
    }

    fileprivate static func named(_ name: String) -> Dimension {
        name.utf8.count <= nameLengthLimit ? .symbolic(name) : .unknown
    }
}

/// A name taken apart into what it counts and a constant: `(height+1)` is `height` and 1.
private struct OffsetName {
    var base: String
    var offset: Int

    init(_ name: String) {
        base = name
        offset = 0
        guard name.hasPrefix("("), name.hasSuffix(")") else { return }
        let inner = name.dropFirst().dropLast()
        guard let sign = inner.lastIndex(where: { $0 == "+" || $0 == "-" }),
            sign > inner.startIndex,
            let number = Int(inner[inner.index(after: sign)...]), number > 0,
            Self.isBalanced(inner[..<sign])
        else { return }
        base = String(inner[..<sign])
        offset = inner[sign] == "+" ? number : -number
    }

    func adding(_ number: Int) -> Dimension {
        let (sum, overflow) = offset.addingReportingOverflow(number)
        if overflow || sum == .min { return .unknown }
        if sum == 0 { return .symbolic(base) }
        return Dimension.named(sum > 0 ? "(\(base)+\(sum))" : "(\(base)-\(-sum))")
    }

    /// Whether every parenthesis in the text is closed in it, and none is closed that was not
    /// opened.
    static func isBalanced(_ text: Substring) -> Bool {
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if depth < 0 { return false }
        }
        return depth == 0
    }
}

/// A product taken apart: a number, and names in order.
private struct Factors {
    var coefficient = 1
    var names: [String] = []

    /// Takes the product of the sizes apart; `nil` if one is unknown or the number overflows.
    init?(_ dimensions: some Sequence<Dimension>) {
        var isZero = false
        for dimension in dimensions {
            switch dimension {
            case .fixed(let size):
                if size == 0 { isZero = true }
                guard multiply(size) else { return nil }
            case .symbolic(let name):
                for factor in Self.split(name) {
                    if let number = Int(factor) {
                        guard multiply(number) else { return nil }
                    } else {
                        names.append(factor)
                    }
                }
            case .unknown: return nil
            }
        }
        if isZero { names = [] }
        names.sort()
    }

    private mutating func multiply(_ number: Int) -> Bool {
        let (product, overflow) = coefficient.multipliedReportingOverflow(by: number)
        coefficient = product
        return !overflow
    }

    var dimension: Dimension {
        if names.isEmpty || coefficient == 0 { return .fixed(coefficient) }
        let product = names.joined(separator: "*")
        return Dimension.named(coefficient == 1 ? product : "\(coefficient)*\(product)")
    }

    /// Splits a name at the `*` that are outside parentheses.
    private static func split(_ name: String) -> [String] {
        var factors: [String] = []
        var current = ""
        var depth = 0
        for character in name {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == "*", depth == 0, !current.isEmpty {
                factors.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        return current.isEmpty ? (factors.isEmpty ? [name] : factors) : factors + [current]
    }
}
