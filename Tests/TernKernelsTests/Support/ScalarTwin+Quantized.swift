import TernKernels
import TernMicrokernels

/// A matrix of bytes in guarded memory, with its zero points.
@safe final class ByteOperand {
    let rows: Int
    let columns: Int
    let rowStride: Int
    let isSigned: Bool
    let isTransposed: Bool
    let values: [Int32]
    let zeroPoints: Guarded<Int32>
    private let memory: Guarded<UInt8>

    /// `values` is row-major, `rows` × `columns`; it is stored transposed if asked for, and with gaps
    /// between the rows.
    init(
        _ values: [Int32],
        rows: Int,
        columns: Int,
        isSigned: Bool,
        zeroPoints: [Int32],
        isTransposed: Bool = false,
        gap: Int = 0
    ) {
        self.rows = rows
        self.columns = columns
        self.isSigned = isSigned
        self.isTransposed = isTransposed
        self.values = values
        self.zeroPoints = Guarded(zeroPoints)
        let (outer, inner) = isTransposed ? (columns, rows) : (rows, columns)
        rowStride = inner + gap
        // The gap after the last row is not there.
        var bytes = [UInt8](repeating: 0xa5, count: Swift.max(0, outer * rowStride - gap))
        for i in 0..<rows {
            for j in 0..<columns {
                let place = isTransposed ? j * rowStride + i : i * rowStride + j
                bytes[place] = UInt8(truncatingIfNeeded: values[i * columns + j])
            }
        }
        memory = Guarded(bytes)
    }

    var matrix: ByteMatrix {
        unsafe ByteMatrix(
            memory.read,
            rowStride: rowStride,
            isSigned: isSigned,
            isTransposed: isTransposed,
            zeroPoints: zeroPoints.read
        )
    }

    /// Numbers over the whole range, among them the ends.
    static func random(
        _ rows: Int,
        _ columns: Int,
        isSigned: Bool,
        zeroPointCount: Int,
        hasZeros: Bool,
        isTransposed: Bool = false,
        gap: Int = 0,
        from numbers: inout Numbers
    ) -> ByteOperand {
        let least: Int32 = isSigned ? -128 : 0
        let values = (0..<rows * columns).map { _ in
            let n = numbers.next()
            return n & 0x700 == 0
                ? least + 255 : n & 0x700 == 0x100 ? least : least + Int32(n & 255)
        }
        let zeros = (0..<zeroPointCount).map { _ in
            hasZeros ? least + Int32(numbers.next() & 255) : 0
        }
        return ByteOperand(
            values,
            rows: rows,
            columns: columns,
            isSigned: isSigned,
            zeroPoints: zeros,
            isTransposed: isTransposed,
            gap: gap
        )
    }
}

extension ScalarTwin {
    /// Σ (a - zero)·(b - zero), in integers.
    static func integerProduct(_ a: ByteOperand, _ b: ByteOperand) -> [Int32] {
        var result = [Int32]()
        for m in 0..<a.rows {
            for n in 0..<b.columns {
                var sum: Int32 = 0
                for k in 0..<a.columns {
                    let x = a.values[m * a.columns + k] - a.zeroPoints[m]
                    sum &+= x &* (b.values[k * b.columns + n] - b.zeroPoints[n])
                }
                result.append(sum)
            }
        }
        return result
    }
}
