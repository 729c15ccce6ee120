import Glibc
import TernGraph

/// The kernel function of a support vector machine: how alike two rows of features are.
enum SimilarityFunction: Sendable {
    case linear
    case polynomial(gamma: Float, coefficient: Float, degree: Float)
    case radial(gamma: Float)
    case sigmoid(gamma: Float, coefficient: Float)

    /// Reads the attributes `kernel_type` and `kernel_params`.
    init(_ node: Node) throws(OperatorError) {
        let name = try node.string("kernel_type", default: "LINEAR")
        let given = try node.floats("kernel_params") ?? []
        let (gamma, coefficient, degree) =
            given.count >= 3 ? (given[0], given[1], given[2]) : (0, 0, 0)
        switch name {
        case "LINEAR": self = .linear
        case "POLY":
            self = .polynomial(gamma: gamma, coefficient: coefficient, degree: degree)
        case "RBF": self = .radial(gamma: gamma)
        case "SIGMOID": self = .sigmoid(gamma: gamma, coefficient: coefficient)
        default:
            throw OperatorError("kernel_type is \"\(name)\", expected LINEAR, POLY, RBF or SIGMOID")
        }
    }

    /// The similarity of two rows.
    func callAsFunction(
        _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>,
        count: Int
    ) -> Float {
        if case .radial(let gamma) = self {
            var distance: Float = 0
            for index in 0..<count {
                let difference = unsafe x[index] - y[index]
                distance += difference * difference
            }
            return exp(-gamma * distance)
        }
        var product: Float = 0
        for index in 0..<count { unsafe product += x[index] * y[index] }
        switch self {
        case .linear, .radial: return product
        case .polynomial(let gamma, let coefficient, let degree):
            return pow(gamma * product + coefficient, degree)
        case .sigmoid(let gamma, let coefficient): return tanh(gamma * product + coefficient)
        }
    }
}

/// The vectors that a support vector machine compares each row with.
struct SupportVectors: Sendable {
    /// How many there are.
    let count: Int
    private let values: [Float]
    private let featureCount: Int
    private let similarity: SimilarityFunction

    /// Reads the attributes.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - count: How many vectors the other attributes speak of.
    ///   - featureCount: How many features a row has.
    /// - Throws: ``OperatorError`` if they do not fit.
    init(_ node: Node, count: Int, featureCount: Int) throws(OperatorError) {
        values = try node.floats("support_vectors") ?? []
        similarity = try SimilarityFunction(node)
        self.count = count
        self.featureCount = featureCount
        let (wanted, overflow) = count.multipliedReportingOverflow(by: featureCount)
        guard count >= 0, !overflow, values.count == wanted else {
            throw OperatorError(
                "support_vectors has \(values.count) numbers, expected \(count) vectors of "
                    + "\(featureCount) features"
            )
        }
    }

    /// Writes how alike a row and each vector are.
    @unsafe func compare(_ row: UnsafePointer<Float>, into target: inout MutableSpan<Float>) {
        unsafe values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for index in 0..<count {
                // SAFETY: there are `count` vectors of `featureCount` numbers.
                target[index] = unsafe similarity(
                    row,
                    base + index * featureCount,
                    count: featureCount
                )
            }
        }
    }
}
