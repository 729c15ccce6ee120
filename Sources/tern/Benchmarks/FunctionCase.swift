import ArgumentParser
import TernKernels
import TernMicrokernels

/// A function of rows of numbers, NAME:ROWSxCOLUMNS.
struct FunctionCase: ExpressibleByArgument, CustomStringConvertible {
    let function: BenchmarkedFunction
    let rowCount: Int
    let columnCount: Int

    init(_ function: BenchmarkedFunction, _ rowCount: Int, _ columnCount: Int) {
        self.function = function
        self.rowCount = rowCount
        self.columnCount = columnCount
    }

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let function = BenchmarkedFunction(rawValue: String(parts[0]))
        else { return nil }
        let sizes = parts[1].split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sizes.count == 2, let rows = sizes[0], let columns = sizes[1],
            1...1_000_000 ~= rows, 1...1_000_000 ~= columns, rows * columns <= 1 << 28
        else { return nil }
        self.init(function, rows, columns)
    }

    var description: String { "\(function.rawValue):\(rowCount)x\(columnCount)" }

    /// As models have them.
    static let inference = [
        FunctionCase(.exp, 128, 768), FunctionCase(.tanh, 128, 768),
        FunctionCase(.sigmoid, 128, 768), FunctionCase(.erf, 128, 3072),
        FunctionCase(.gelu, 128, 3072), FunctionCase(.softmax, 1536, 128),
        FunctionCase(.layernorm, 128, 768), FunctionCase(.relu, 128, 3072),
        FunctionCase(.neg, 128, 768),
    ]
}

/// The functions that are timed.
enum BenchmarkedFunction: String, CaseIterable {
    case exp, log, tanh, sigmoid, erf, gelu, relu, neg, softmax, layernorm, rmsnorm

    /// The element-wise operation, if it is one.
    var operation: UnaryOperation? {
        switch self {
        case .exp: UnaryOperation(.exponential)
        case .log: UnaryOperation(.logarithm)
        case .tanh: UnaryOperation(.hyperbolicTangent)
        case .sigmoid: UnaryOperation(.sigmoid)
        case .erf: UnaryOperation(.errorFunction)
        case .gelu: UnaryOperation(.gelu)
        case .relu: UnaryOperation(.relu)
        case .neg: UnaryOperation(.negative)
        case .softmax, .layernorm, .rmsnorm: nil
        }
    }
}
