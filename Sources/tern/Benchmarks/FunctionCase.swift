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
        guard !function.takesImages || side * side == columns else { return nil }
    }

    var description: String { "\(function.rawValue):\(rowCount)x\(columnCount)" }

    var elementCount: Int { rowCount * columnCount }

    /// The height and width of a row that is an image.
    var side: Int { Int(Double(columnCount).squareRoot()) }

    /// The bytes that are read and written.
    var byteCount: Int {
        switch function {
        case .sum, .max: 4 * (elementCount + rowCount)
        case .sumcolumns, .maxcolumns: 4 * (elementCount + columnCount)
        case .add: 12 * elementCount
        case .avgpool: 5 * elementCount
        // The gates, the state in and out and the result.
        case .lstm: 28 * elementCount
        case .gru: 32 * elementCount
        default: 8 * elementCount
        }
    }

    /// As models have them.
    static let inference = [
        FunctionCase(.exp, 128, 768), FunctionCase(.tanh, 128, 768),
        FunctionCase(.sigmoid, 128, 768), FunctionCase(.erf, 128, 3072),
        FunctionCase(.gelu, 128, 3072), FunctionCase(.softmax, 1536, 128),
        FunctionCase(.layernorm, 128, 768), FunctionCase(.relu, 128, 3072),
        FunctionCase(.neg, 128, 768), FunctionCase(.log, 128, 768),
        FunctionCase(.rsqrt, 128, 768), FunctionCase(.silu, 128, 768),
        FunctionCase(.logsoftmax, 128, 1024), FunctionCase(.rmsnorm, 128, 768),
        FunctionCase(.batchnorm, 64, 3136), FunctionCase(.groupnorm, 64, 3136),
        FunctionCase(.instancenorm, 64, 3136), FunctionCase(.add, 128, 768),
        FunctionCase(.addrow, 128, 768), FunctionCase(.addcolumn, 128, 768),
        FunctionCase(.sum, 128, 768), FunctionCase(.max, 128, 768),
        FunctionCase(.sumcolumns, 128, 768), FunctionCase(.maxcolumns, 128, 768),
        FunctionCase(.transpose, 128, 768), FunctionCase(.avgpool, 64, 3136),
        FunctionCase(.lstm, 16, 256), FunctionCase(.gru, 16, 256),
    ]
}

/// The functions that are timed.
enum BenchmarkedFunction: String, CaseIterable {
    // Of each element.
    case exp, log, tanh, sigmoid, erf, gelu, silu, relu, neg, rsqrt
    // Of each row.
    case softmax, logsoftmax, layernorm, rmsnorm
    /// Of rows that are the channels of one image; groups are 32 if they can be, else one.
    case batchnorm, groupnorm, instancenorm
    /// Two matrices; a matrix and a row, or a column.
    case add, addrow, addcolumn
    // Rows or columns to one number each.
    case sum, max, sumcolumns, maxcolumns
    // Layout.
    case transpose
    /// 3x3, stride 2, padding 1 of rows that are square images.
    case avgpool
    /// One step, without its products, of rows that are batch entries.
    case lstm, gru

    /// The element-wise operation, if it is one.
    var operation: UnaryOperation? {
        switch self {
        case .exp: UnaryOperation(.exponential)
        case .log: UnaryOperation(.logarithm)
        case .tanh: UnaryOperation(.hyperbolicTangent)
        case .sigmoid: UnaryOperation(.sigmoid)
        case .erf: UnaryOperation(.errorFunction)
        case .gelu: UnaryOperation(.gelu)
        case .silu: UnaryOperation(.swish, a: 1)
        case .relu: UnaryOperation(.relu)
        case .neg: UnaryOperation(.negative)
        case .rsqrt: UnaryOperation(.reciprocalSquareRoot)
        default: nil
        }
    }

    /// Whether the result is as large as the argument, and may take its place.
    var isChained: Bool {
        switch self {
        case .sum, .max, .sumcolumns, .maxcolumns, .transpose, .avgpool, .lstm, .gru: false
        default: true
        }
    }

    /// Whether a row has to be a square image.
    var takesImages: Bool { self == .avgpool }
}
