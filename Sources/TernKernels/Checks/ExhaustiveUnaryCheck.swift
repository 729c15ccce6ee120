internal import Glibc
internal import Synchronization
package import TernMicrokernels
package import TernThreadPool

/// Compares a vector function with a double-precision reference for ranges of bit patterns, up to all
/// 2³² floats.
///
/// ```swift
/// let check = ExhaustiveUnaryCheck(.exponential, table: .current)
/// let result = check.run(pool: pool) { done in print("\(done) of 256") }
/// ```
///
/// A function takes a minute or two on two threads: the reference dominates. What the kernels of
/// x86-64-v4 were found to be off at most, over all floats, in ULP: exp 0.77, log 0.83, tanh 2.50,
/// sigmoid 2.41, erf 1.02, rsqrt 1.50; in 2⁻²⁴·|x|: GELU 3.95 (1.98 ε·|x| with ε = 2⁻²³), its tanh form
/// 2.07.
package struct ExhaustiveUnaryCheck: Sendable {
    /// The function, with the parameters it is checked with.
    package let operation: UnaryOperation
    /// The kernels to check.
    package let table: KernelTable
    /// How the error is measured, and how large it may be.
    package let bound: ErrorBound

    /// What the error of a function is measured in.
    package enum ErrorBound: Sendable, Equatable {
        /// Units in the last place of the exact result, rounded to a float; 2⁻¹⁴⁹ for denormals.
        case ulps(Double)
        /// 2⁻²⁴·|x|, the argument's half unit, or 2⁻¹⁴⁹ if that is more: for gates that multiply x.
        case argument(Double)

        /// The largest error allowed.
        package var limit: Double {
            switch self {
            case .ulps(let limit), .argument(let limit): limit
            }
        }

        /// What the numbers count, for people.
        package var unit: String {
            switch self {
            case .ulps: "ulp"
            case .argument: "2^-24 |x|"
            }
        }
    }

    /// What a check found.
    package struct Result: Sendable, Equatable {
        /// How many floats were tried.
        package var count = 0
        /// The largest error in units of the bound.
        ///
        /// Infinite if NaN, an infinity or a sign of zero is wrong.
        package var worstError = 0.0
        /// The argument of the largest error, the one with the least bit pattern.
        package var worstArgument: Float = 0
        /// What the kernel gave for it.
        package var worstResult: Float = 0

        package init() {}

        /// Takes over what another range found.
        package mutating func merge(_ other: Result) {
            let isEarlier = other.worstArgument.bitPattern < worstArgument.bitPattern
            if other.worstError > worstError
                || other.worstError == worstError && count > 0 && isEarlier
            {
                worstError = other.worstError
                worstArgument = other.worstArgument
                worstResult = other.worstResult
            }
            count += other.count
        }
    }

    /// The functions that have a stated bound and are checked.
    package static let functions: [UnaryFunction] = [
        .exponential, .logarithm, .hyperbolicTangent, .sigmoid, .errorFunction, .gelu, .geluTanh,
        .swish, .softplus, .elu, .mish, .reciprocalSquareRoot,
    ]

    /// Prepares a check; `nil` if the function has no stated bound.
    package init?(_ function: UnaryFunction, table: KernelTable) {
        var a: Float = 0
        switch function {
        case .exponential, .reciprocalSquareRoot: bound = .ulps(2)
        case .sigmoid, .elu: bound = .ulps(3)
        case .logarithm, .hyperbolicTangent, .errorFunction: bound = .ulps(4)
        case .softplus: bound = .ulps(5)
        case .geluTanh, .swish, .mish: bound = .argument(4)
        case .gelu: bound = .argument(6)
        default: return nil
        }
        if function == .elu || function == .swish { a = 1 }
        operation = UnaryOperation(function, a: a)
        self.table = table
    }

    /// Whether a result is within the bound.
    package func passes(_ result: Result) -> Bool { result.worstError <= bound.limit }

    /// Checks all 2³² floats.
    ///
    /// - Parameters:
    ///   - pool: The threads that may help.
    ///   - progress: Called on any thread with how many of 256 equal parts are done.
    /// - Returns: The worst error, the same on any number of threads.
    package func run(pool: ThreadPool?, progress: @Sendable (Int) -> Void = { _ in }) -> Result {
        let state = Mutex((result: Result(), done: 0))
        func part(_ index: Int) {
            let first = UInt32(index) << 24
            let own = check(first...(first | 0x00ff_ffff))
            let done = state.withLock { state in
                state.result.merge(own)
                state.done += 1
                return state.done
            }
            progress(done)
        }
        if let pool {
            pool.parallelFor(count: 256, predictedSerialNanoseconds: 60_000_000_000) { range in
                for index in range { part(index) }
            }
        } else {
            for index in 0..<256 { part(index) }
        }
        return state.withLock { $0.result }
    }

    /// Checks the floats whose bit patterns lie in a range, on the caller's thread.
    ///
    /// - Parameters:
    ///   - patterns: The bit patterns.
    ///   - step: Every how many of them is tried.
    /// - Returns: The worst error.
    package func check(_ patterns: ClosedRange<UInt32>, step: UInt32 = 1) -> Result {
        precondition(step > 0, "a check has to step on")
        var result = Result()
        let blockCount = 4096
        let x = UnsafeMutablePointer<Float>.allocate(capacity: blockCount)
        let y = UnsafeMutablePointer<Float>.allocate(capacity: blockCount)
        defer {
            unsafe x.deallocate()
            unsafe y.deallocate()
        }
        var pattern = UInt64(patterns.lowerBound)
        while pattern <= UInt64(patterns.upperBound) {
            var count = 0
            while count < blockCount, pattern <= UInt64(patterns.upperBound) {
                // SAFETY: count < blockCount.
                unsafe x[count] = Float(bitPattern: UInt32(pattern))
                pattern += UInt64(step)
                count += 1
            }
            let isVector = unsafe table.unary(operation, x, y, count)
            precondition(isVector, "a function with a stated bound should have vector code")
            for i in 0..<count {
                // SAFETY: both have blockCount elements.
                let (argument, value) = unsafe (x[i], y[i])
                let error = error(of: value, at: argument)
                if error > result.worstError {
                    result.worstError = error
                    result.worstArgument = argument
                    result.worstResult = value
                }
            }
            result.count += count
        }
        return result
    }

    /// How far `value` is from f(x), in units of the bound.
    private func error(of value: Float, at x: Float) -> Double {
        let exact = reference(Double(x))
        let nearest = Float(exact)
        if nearest.isNaN || value.isNaN { return nearest.isNaN && value.isNaN ? 0 : .infinity }
        if value == nearest, value != 0 || exact != 0 {
            return value.isInfinite ? 0 : abs(Double(value) - exact) / unit(nearest, x)
        }
        // An exact zero has the exact sign.
        if value == 0, exact == 0 { return value.sign == exact.sign ? 0 : .infinity }
        if value.isInfinite || nearest.isInfinite {
            // One beyond the largest float counts as where the next one would be.
            let own = value.isInfinite ? (value < 0 ? -0x1p128 : 0x1p128) : Double(value)
            let error = abs(own - exact) / unit(.greatestFiniteMagnitude, x)
            return value.isInfinite != exact.isInfinite ? error : .infinity
        }
        return abs(Double(value) - exact) / unit(nearest, x)
    }

    private func unit(_ nearest: Float, _ x: Float) -> Double {
        switch bound {
        case .ulps: Swift.max(Double(nearest.ulp), 0x1p-149)
        case .argument: Swift.max(abs(Double(x)) * 0x1p-24, 0x1p-149)
        }
    }

    /// f(x) in double precision, with an error far below that of a float.
    private func reference(_ x: Double) -> Double {
        switch operation.function {
        case .exponential: exp(x)
        case .logarithm: x < 0 ? .nan : log(x)
        case .hyperbolicTangent: tanh(x)
        case .sigmoid: 1 / (1 + exp(-x))
        case .errorFunction: erf(x)
        case .gelu: 0.5 * x * erfc(-x * 0.5.squareRoot())
        case .geluTanh:
            x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .swish: x / (1 + exp(-x))
        case .softplus: x.isNaN ? x : Swift.max(x, 0) + log1p(exp(-abs(x)))
        case .elu: x < 0 ? expm1(x) : x
        case .mish: x * tanh(x.isNaN ? x : Swift.max(x, 0) + log1p(exp(-abs(x))))
        case .reciprocalSquareRoot: 1 / x.squareRoot()
        default: preconditionFailure("a function without a stated bound was checked")
        }
    }
}
