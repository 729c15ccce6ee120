import Foundation
import TernTensor

/// How far outputs are from others, over all their numbers together.
struct OutputError {
    /// The largest |a − b|.
    private(set) var largest = 0.0
    private var sum = 0.0
    private var count = 0
    private var product = 0.0
    private var squares = (actual: 0.0, expected: 0.0)
    /// What is not comparable, if anything is.
    private(set) var mismatch: String?

    /// The mean of |a − b|.
    var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// a · b / (|a| · |b|); 1 if both are 0.
    var cosine: Double {
        let scale = (squares.actual * squares.expected).squareRoot()
        if scale == 0 { return squares.actual == squares.expected ? 1 : 0 }
        return product / scale
    }

    /// Adds the outputs of one call.
    mutating func add(_ actual: [Tensor], against expected: [Tensor]) {
        for (index, pair) in zip(actual, expected).enumerated() {
            let (a, b) = pair
            guard a.elementType == b.elementType, a.shape == b.shape else {
                mismatch =
                    "output \(index) is \(a.elementType)\(a.shape), expected "
                    + "\(b.elementType)\(b.shape)"
                continue
            }
            guard let a = a.doubles, let b = b.doubles else {
                if !pair.0.hasSameBytes(as: pair.1) { mismatch = "output \(index) differs" }
                continue
            }
            for (x, y) in zip(a, b) { add(x, y) }
        }
    }

    private mutating func add(_ x: Double, _ y: Double) {
        count += 1
        // Equal infinities, and what is no number in both, are no difference.
        if x == y || (x.isNaN && y.isNaN) {
            guard x.isFinite else { return }
        } else {
            let difference = (x - y).magnitude
            sum += difference
            largest = difference.isNaN ? difference : max(largest, difference)
        }
        product += x * y
        squares.actual += x * x
        squares.expected += y * y
    }

    /// Such as `max 1.2e-06, mean 3.4e-08, cosine 1.000000`.
    var description: String {
        if let mismatch { return mismatch }
        return String(format: "max %.1e, mean %.1e, cosine %.6f", largest, mean, cosine)
    }
}
