// The work of the pool's benchmark: a matrix product in f32, of a fixed size for each part. Not the
// runtime's kernels, so that what is measured is the pool.

/// Rows of the left matrix and the product that one part covers.
public let rowsPerPart = 6
/// Columns of the right matrix and the product.
public let columnCount = 64
/// Columns of the left and rows of the right matrix.
public let depth = 256

/// c = a · b for six rows: a is 6 × 256, b 256 × 64, c 6 × 64, all dense.
@inline(never)
public func multiplyPart(
    _ a: UnsafePointer<Float>,
    _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>
) {
    var column = 0
    while column < columnCount {
        var c00 = SIMD8<Float>.zero, c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00
        var c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00
        var k = 0
        while k < depth {
            let row = UnsafeRawPointer(b + (k &* columnCount &+ column))
            let b0 = row.loadUnaligned(as: SIMD8<Float>.self)
            let b1 = (row + 32).loadUnaligned(as: SIMD8<Float>.self)
            let a0 = SIMD8(repeating: a[k]), a1 = SIMD8(repeating: a[depth &+ k])
            let a2 = SIMD8(repeating: a[2 &* depth &+ k])
            c00 = c00.addingProduct(a0, b0)
            c01 = c01.addingProduct(a0, b1)
            c10 = c10.addingProduct(a1, b0)
            c11 = c11.addingProduct(a1, b1)
            c20 = c20.addingProduct(a2, b0)
            c21 = c21.addingProduct(a2, b1)
            let a3 = SIMD8(repeating: a[3 &* depth &+ k])
            let a4 = SIMD8(repeating: a[4 &* depth &+ k])
            let a5 = SIMD8(repeating: a[5 &* depth &+ k])
            c30 = c30.addingProduct(a3, b0)
            c31 = c31.addingProduct(a3, b1)
            c40 = c40.addingProduct(a4, b0)
            c41 = c41.addingProduct(a4, b1)
            c50 = c50.addingProduct(a5, b0)
            c51 = c51.addingProduct(a5, b1)
            k &+= 1
        }
        let out = UnsafeMutableRawPointer(c + column)
        let stride = columnCount &* 4
        out.storeBytes(of: c00, as: SIMD8<Float>.self)
        (out + 32).storeBytes(of: c01, as: SIMD8<Float>.self)
        (out + stride).storeBytes(of: c10, as: SIMD8<Float>.self)
        (out + stride + 32).storeBytes(of: c11, as: SIMD8<Float>.self)
        (out + 2 * stride).storeBytes(of: c20, as: SIMD8<Float>.self)
        (out + 2 * stride + 32).storeBytes(of: c21, as: SIMD8<Float>.self)
        (out + 3 * stride).storeBytes(of: c30, as: SIMD8<Float>.self)
        (out + 3 * stride + 32).storeBytes(of: c31, as: SIMD8<Float>.self)
        (out + 4 * stride).storeBytes(of: c40, as: SIMD8<Float>.self)
        (out + 4 * stride + 32).storeBytes(of: c41, as: SIMD8<Float>.self)
        (out + 5 * stride).storeBytes(of: c50, as: SIMD8<Float>.self)
        (out + 5 * stride + 32).storeBytes(of: c51, as: SIMD8<Float>.self)
        column &+= 16
    }
}
