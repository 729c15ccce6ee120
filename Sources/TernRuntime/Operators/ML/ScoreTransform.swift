import Glibc
import TernGraph

/// What ai.onnx.ml's models do with the scores of a row before they give them out.
enum ScoreTransform: Sendable {
    case none, softmax, logistic, softmaxZero, probit

    /// Reads the attribute `post_transform`.
    init(_ node: Node) throws(OperatorError) {
        let name = try node.string("post_transform", default: "NONE")
        switch name {
        case "NONE": self = .none
        case "SOFTMAX": self = .softmax
        case "LOGISTIC": self = .logistic
        case "SOFTMAX_ZERO": self = .softmaxZero
        case "PROBIT": self = .probit
        default:
            throw OperatorError(
                "post_transform is \"\(name)\", expected NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or "
                    + "PROBIT"
            )
        }
    }

    /// The logistic function, without overflow on either side.
    static func logistic(_ x: Float) -> Float {
        let e = exp(-abs(x))
        return x >= 0 ? 1 / (1 + e) : e / (1 + e)
    }

    /// Changes the scores `range` of a table.
    func apply(_ scores: inout MutableSpan<Float>, _ range: Range<Int>) {
        switch self {
        case .none: return
        case .logistic:
            for index in range { scores[index] = Self.logistic(scores[index]) }
        case .probit:
            for index in range { scores[index] = Self.probit(scores[index]) }
        case .softmax, .softmaxZero:
            var largest = -Float.infinity
            for index in range { largest = max(largest, scores[index]) }
            var sum: Float = 0
            for index in range {
                // SOFTMAX_ZERO leaves out what is zero: it stands for a class nobody voted for.
                if case .softmaxZero = self, abs(scores[index]) <= 1e-7 {
                    scores[index] *= exp(-largest)
                } else {
                    scores[index] = exp(scores[index] - largest)
                }
                sum += scores[index]
            }
            guard sum != 0 else { return }
            for index in range { scores[index] /= sum }
        }
    }

    /// The quantile of the normal distribution: √2 · erf⁻¹(2x - 1), by Winitzki's approximation, as
    /// other runtimes have it.
    private static func probit(_ x: Float) -> Float {
        let argument = 2 * x - 1
        let sign: Float = argument < 0 ? -1 : 1
        let logarithm = log((1 - argument) * (1 + argument))
        let v = 2 / (.pi * 0.147) + 0.5 * logarithm
        let v2 = 1 / 0.147 * logarithm
        return 1.414_213_6 * sign * (-v + (v * v - v2).squareRoot()).squareRoot()
    }
}
