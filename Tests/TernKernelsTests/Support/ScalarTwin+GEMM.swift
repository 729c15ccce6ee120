import TernKernels
import TernMicrokernels

/// Plain definitions of what the kernels compute, in double precision, one element at a time.
enum ScalarTwin {
    /// A·B, and Σ|a||b|, which bounds the error.
    static func gemm(
        _ a: (Int, Int) -> Float,
        _ b: (Int, Int) -> Float,
        rowCount: Int,
        columnCount: Int,
        depth: Int
    ) -> (values: [Double], magnitudes: [Double]) {
        var values = [Double]()
        var magnitudes = [Double]()
        for i in 0..<rowCount {
            for j in 0..<columnCount {
                var sum = 0.0
                var magnitude = 0.0
                for k in 0..<depth {
                    let product = Double(a(i, k)) * Double(b(k, j))
                    sum += product
                    magnitude += product.magnitude
                }
                values.append(sum)
                magnitudes.append(magnitude)
            }
        }
        return (values, magnitudes)
    }

    /// The error a chain of `depth` additions may have.
    static func bound(depth: Int, magnitude: Double) -> Double {
        4 * Double(Swift.max(depth, 1)) * 0x1p-24 * magnitude + 1e-37
    }
}
