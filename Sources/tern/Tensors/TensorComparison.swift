import TernTensor

/// How far a computed tensor may be from the expected one.
enum Tolerance {
    /// What ONNX's own test runner asks for: 1e-7 + 1e-3 * |b|, and 2^-6 instead of 1e-3 for BF16,
    /// of which neighbours are up to 2^-7 apart.
    case standard
    /// Each element `a` within `absolute + relative * |b|` of the expected `b`.
    case elementwise(relative: Double, absolute: Double)
    /// Each element within `factor` times the largest finite magnitude of the expected tensor.
    case scale(factor: Double)

    /// How far an element may be from the expected `wanted`.
    ///
    /// - Parameters:
    ///   - wanted: What is expected.
    ///   - elementType: The tensor's type.
    ///   - magnitude: The largest finite magnitude of the expected tensor.
    /// - Returns: The largest difference that counts as a match.
    func limit(for wanted: Double, _ elementType: ElementType, magnitude: Double) -> Double {
        switch self {
        case .standard: 1e-7 + (elementType == .bf16 ? 0x1p-6 : 1e-3) * wanted.magnitude
        case .elementwise(let relative, let absolute): absolute + relative * wanted.magnitude
        case .scale(let factor): factor * magnitude
        }
    }
}

/// What came of comparing one tensor with what was expected of it.
struct TensorComparison {
    /// Why the two don't match; `nil` if they do.
    let mismatch: String?
    /// The largest |a − b| over all elements, 0 if none is a number in both.
    let largestDifference: Double
    /// The largest finite |b|.
    let largestMagnitude: Double

    /// Compares element types, shapes and then every element.
    ///
    /// Integers, Booleans and byte strings must be equal. A NaN matches a NaN; an infinity matches
    /// the same infinity.
    init(actual: Tensor, expected: Tensor, within tolerance: Tolerance) {
        guard actual.elementType == expected.elementType else {
            self.init(mismatch: "is \(actual.elementType), expected \(expected.elementType)")
            return
        }
        guard actual.shape == expected.shape else {
            self.init(mismatch: "has shape \(actual.shape), expected \(expected.shape)")
            return
        }
        guard let actualValues = actual.doubles, let expectedValues = expected.doubles else {
            let isEqual = actual.hasSameBytes(as: expected)
            self.init(mismatch: isEqual ? nil : "has other elements than expected")
            return
        }
        self.init(actualValues, expectedValues, like: expected, within: tolerance)
    }

    private init(mismatch: String?) {
        self.mismatch = mismatch
        largestDifference = 0
        largestMagnitude = 0
    }

    private init(
        _ actual: [Double],
        _ expected: [Double],
        like tensor: Tensor,
        within tolerance: Tolerance
    ) {
        let magnitude = expected.lazy.map(\.magnitude).filter(\.isFinite).max() ?? 0
        var largestDifference = 0.0
        var firstMismatch: String?
        var mismatchCount = 0
        for index in expected.indices {
            let (found, wanted) = (actual[index], expected[index])
            if found == wanted || (found.isNaN && wanted.isNaN) { continue }
            let difference = (found - wanted).magnitude
            if difference > largestDifference { largestDifference = difference }
            let limit = tolerance.limit(for: wanted, tensor.elementType, magnitude: magnitude)
            // Written so that a NaN difference or an infinite expectation is a mismatch.
            if wanted.isFinite, difference <= limit { continue }
            mismatchCount += 1
            if firstMismatch == nil {
                let place = Self.place(of: index, in: tensor.shape)
                firstMismatch = "at \(place): \(found), expected \(wanted)"
            }
        }
        self.largestDifference = largestDifference
        largestMagnitude = magnitude
        mismatch = firstMismatch.map {
            "\(mismatchCount) of \(expected.count) elements differ, first \($0)"
        }
    }

    /// The coordinates of the element at `index` in row-major order.
    private static func place(of index: Int, in shape: Shape) -> String {
        var rest = index
        var coordinates: [Int] = []
        for size in shape.reversed() {
            coordinates.append(rest % size)
            rest /= size
        }
        return "[" + coordinates.reversed().map(String.init).joined(separator: ", ") + "]"
    }
}
