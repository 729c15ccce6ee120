import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct IntegerGEMMTests {
    /// The sums of a packed product; C has gaps between its rows, which must stay as they are.
    func product(
        _ a: ByteOperand,
        _ b: ByteOperand,
        gap: Int = 0,
        context: KernelContext
    ) -> [Int32] {
        let packed = unsafe PackedIntegerMatrix(
            rowCount: b.rows,
            columnCount: b.columns,
            elements: b.matrix,
            table: context.table
        )
        let stride = b.columns + gap
        let c = Guarded<Int32>(repeating: 77, count: Swift.max(0, a.rows * stride - gap))
        unsafe IntegerGEMM.multiply(
            a.matrix,
            rowCount: a.rows,
            by: packed,
            into: c.pointer,
            rowStride: stride,
            context: context
        )
        let values = c.values
        for (i, value) in values.enumerated() where i % stride >= b.columns {
            #expect(value == 77)
        }
        return (0..<a.rows * b.columns).map {
            values[$0 / b.columns * stride + $0 % b.columns]
        }
    }

    @Test(arguments: contexts)
    func `every small size is exact`(_ context: KernelContext) {
        var numbers = Numbers(seed: 1)
        let width = context.table.panelWidth
        let columns = [1, width / 2, width / 2 + 1, width - 1, width + 1, 4 * width + 3]
        for m in 1...(2 * context.table.quantized.dotRowCount + 2) {
            for n in columns {
                for k in [1, 2, 3, 4, 7, 33] {
                    let kind = numbers.next()
                    let a = ByteOperand.random(
                        m,
                        k,
                        isSigned: kind & 1 == 0,
                        zeroPointCount: m,
                        hasZeros: kind & 2 == 0,
                        gap: kind & 16 == 0 ? 3 : 0,
                        from: &numbers
                    )
                    let b = ByteOperand.random(
                        k,
                        n,
                        isSigned: kind & 4 == 0,
                        zeroPointCount: n,
                        hasZeros: kind & 8 == 0,
                        isTransposed: kind & 32 == 0,
                        gap: kind & 64 == 0 ? 5 : 0,
                        from: &numbers
                    )
                    let gap = kind & 128 == 0 ? 2 : 0
                    #expect(
                        product(a, b, gap: gap, context: context)
                            == ScalarTwin.integerProduct(a, b),
                        "\(m)x\(k)x\(n), kind \(kind & 255)"
                    )
                }
            }
        }
    }

    @Test(arguments: contexts, [true, false])
    func `the largest products do not saturate`(_ context: KernelContext, _ isSigned: Bool) {
        let n = context.table.panelWidth + 1
        for weight: Int32 in [127, -128] {
            for input: Int32 in isSigned ? [127, -128] : [255, 0] {
                for (m, k) in [(1, 4), (5, 1023), (13, 260)] {
                    let a = ByteOperand(
                        [Int32](repeating: input, count: m * k),
                        rows: m,
                        columns: k,
                        isSigned: isSigned,
                        zeroPoints: [Int32](repeating: 0, count: m)
                    )
                    let b = ByteOperand(
                        [Int32](repeating: weight, count: k * n),
                        rows: k,
                        columns: n,
                        isSigned: true,
                        zeroPoints: [Int32](repeating: 0, count: n)
                    )
                    let expected = [Int32](repeating: input * weight * Int32(k), count: m * n)
                    #expect(product(a, b, context: context) == expected)
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `no depth gives zero, and an empty result touches nothing`(_ context: KernelContext) {
        func operand(_ rows: Int, _ columns: Int, zeros: Int) -> ByteOperand {
            ByteOperand(
                [Int32](repeating: 1, count: rows * columns),
                rows: rows,
                columns: columns,
                isSigned: false,
                zeroPoints: [Int32](repeating: 9, count: zeros)
            )
        }
        let empty = product(
            operand(2, 0, zeros: 2),
            operand(0, 3, zeros: 3),
            context: context
        )
        #expect(empty == [0, 0, 0, 0, 0, 0])
        #expect(
            product(operand(0, 2, zeros: 0), operand(2, 3, zeros: 3), context: context).isEmpty
        )
        #expect(
            product(operand(2, 2, zeros: 2), operand(2, 0, zeros: 0), context: context).isEmpty
        )
    }

    @Test(arguments: contexts)
    func `two matrices of the moment give the sums of a packed one`(_ context: KernelContext) {
        var numbers = Numbers(seed: 3)
        for (m, n, k) in [(1, 5, 3), (4, 70, 33), (50, 67, 12)] {
            for (aSigned, bSigned) in [(true, true), (true, false), (false, true), (false, false)] {
                let a = ByteOperand.random(
                    m,
                    k,
                    isSigned: aSigned,
                    zeroPointCount: m,
                    hasZeros: true,
                    from: &numbers
                )
                let b = ByteOperand.random(
                    k,
                    n,
                    isSigned: bSigned,
                    zeroPointCount: n,
                    hasZeros: true,
                    from: &numbers
                )
                let c = Guarded<Int32>(repeating: -1, count: m * n)
                let scratch = Scratch(
                    IntegerGEMM.scratchByteCount(columnCount: n, depth: k, context: context)
                )
                unsafe IntegerGEMM.multiply(
                    a.matrix,
                    by: b.matrix,
                    rowCount: m,
                    columnCount: n,
                    depth: k,
                    into: c.pointer,
                    rowStride: n,
                    scratch: scratch.bytes,
                    context: context
                )
                #expect(c.values == ScalarTwin.integerProduct(a, b))
            }
        }
    }

    /// What the scaling of a product is made of.
    struct Scales {
        let rows: Guarded<Float>
        let columns: Guarded<Float>
        let bias: Guarded<Float>

        init(_ m: Int, _ n: Int, _ numbers: inout Numbers) {
            rows = Guarded(numbers.floats(m, in: 0.5...1))
            columns = Guarded(numbers.floats(n, in: 0.0001...0.001))
            bias = Guarded(numbers.floats(n, in: -20...20))
        }

        func scaling(_ activation: UnaryOperation) -> IntegerScaling {
            unsafe IntegerScaling(
                scale: 0.75,
                rowScales: rows.read,
                columnScales: columns.read,
                bias: bias.read,
                activation: activation
            )
        }

        func value(_ acc: Int32, _ m: Int, _ n: Int) -> Float {
            Float(acc) * ((0.75 * rows[m]) * columns[n]) + bias[n]
        }
    }

    @Test(arguments: contexts)
    func `sums become floats, each step rounded by itself`(_ context: KernelContext) {
        var numbers = Numbers(seed: 4)
        for (m, n, k) in [(1, 9, 40), (7, context.table.panelWidth + 3, 129)] {
            let a = ByteOperand.random(
                m,
                k,
                isSigned: false,
                zeroPointCount: m,
                hasZeros: true,
                from: &numbers
            )
            let b = ByteOperand.random(
                k,
                n,
                isSigned: true,
                zeroPointCount: n,
                hasZeros: false,
                from: &numbers
            )
            let scales = Scales(m, n, &numbers)
            let sums = ScalarTwin.integerProduct(a, b)
            let packed = unsafe PackedIntegerMatrix(
                rowCount: k,
                columnCount: n,
                elements: b.matrix,
                table: context.table
            )
            for activation in [
                .identity, .relu, UnaryOperation(.clamp, a: -3, b: 4), UnaryOperation(.sigmoid),
            ] {
                let c = Guarded<Float>(repeating: .nan, count: m * n)
                unsafe IntegerGEMM.multiply(
                    a.matrix,
                    rowCount: m,
                    by: packed,
                    into: c.pointer,
                    rowStride: n,
                    scaling: scales.scaling(activation),
                    context: context
                )
                let plain = Guarded(
                    (0..<m * n).map { scales.value(sums[$0], $0 / n, $0 % n) }
                )
                unsafe Elementwise.apply(
                    activation,
                    plain.read,
                    into: plain.pointer,
                    count: m * n,
                    context: context
                )
                #expect(bits(c.values) == bits(plain.values))
            }
        }
    }

    @Test(arguments: contexts, [true, false])
    func `sums become bytes: rounded to even, shifted, saturated`(
        _ context: KernelContext,
        _ isSigned: Bool
    ) {
        var numbers = Numbers(seed: 5)
        let (m, n, k) = (9, 2 * context.table.panelWidth - 5, 70)
        let a = ByteOperand.random(
            m,
            k,
            isSigned: isSigned,
            zeroPointCount: m,
            hasZeros: true,
            from: &numbers
        )
        let b = ByteOperand.random(
            k,
            n,
            isSigned: true,
            zeroPointCount: n,
            hasZeros: true,
            from: &numbers
        )
        let scales = Scales(m, n, &numbers)
        let sums = ScalarTwin.integerProduct(a, b)
        let packed = unsafe PackedIntegerMatrix(
            rowCount: k,
            columnCount: n,
            elements: b.matrix,
            table: context.table
        )
        let (least, greatest): (Float, Float) = isSigned ? (-128, 127) : (0, 255)
        for (zero, activation) in [(3, .identity), (100, .relu)] as [(Int32, UnaryOperation)] {
            let c = Guarded<UInt8>(repeating: 1, count: m * n)
            unsafe IntegerGEMM.multiply(
                a.matrix,
                rowCount: m,
                by: packed,
                intoBytes: c.pointer,
                rowStride: n,
                scaling: scales.scaling(activation),
                zeroPoint: zero,
                isSigned: isSigned,
                context: context
            )
            for i in 0..<m * n {
                var v = scales.value(sums[i], i / n, i % n).rounded(.toNearestOrEven)
                if activation.function == .relu { v = Swift.max(v, 0) }
                let expected = Swift.min(greatest, Swift.max(least, v + Float(zero)))
                let found = isSigned ? Float(Int8(bitPattern: c[i])) : Float(c[i])
                #expect(found == expected)
            }
        }
    }

    @Test(arguments: contexts)
    func `halves round to even, and NaN becomes the least byte`(_ context: KernelContext) {
        let k = 1
        let values: [Int32] = [1, 2, 3, 4, 5, 6, 7, 127]
        let a = ByteOperand(
            [1],
            rows: 1,
            columns: k,
            isSigned: true,
            zeroPoints: [0]
        )
        let b = ByteOperand(
            values,
            rows: k,
            columns: 8,
            isSigned: true,
            zeroPoints: [Int32](repeating: 0, count: 8)
        )
        let packed = unsafe PackedIntegerMatrix(
            rowCount: k,
            columnCount: 8,
            elements: b.matrix,
            table: context.table
        )
        for (scale, expected) in [
            (0.5, [0, 1, 2, 2, 2, 3, 4, 64]), (.nan, [UInt8](repeating: 0, count: 8)),
            (.infinity, [UInt8](repeating: 255, count: 8)),
        ] as [(Float, [UInt8])] {
            let c = Guarded<UInt8>(repeating: 1, count: 8)
            unsafe IntegerGEMM.multiply(
                a.matrix,
                rowCount: 1,
                by: packed,
                intoBytes: c.pointer,
                rowStride: 8,
                scaling: IntegerScaling(scale: scale),
                zeroPoint: 0,
                isSigned: false,
                context: context
            )
            #expect(c.values == expected)
        }
    }

    @Test(arguments: tables)
    func `a row has the same bits alone, in any batch and on any number of threads`(
        _ table: KernelTable
    ) {
        var numbers = Numbers(seed: 7)
        let (n, k) = (203, 301)
        let a = ByteOperand.random(
            64,
            k,
            isSigned: true,
            zeroPointCount: 64,
            hasZeros: true,
            from: &numbers
        )
        let b = ByteOperand.random(
            k,
            n,
            isSigned: false,
            zeroPointCount: n,
            hasZeros: true,
            from: &numbers
        )
        let scales = Scales(64, n, &numbers)
        let packed = unsafe PackedIntegerMatrix(
            rowCount: k,
            columnCount: n,
            elements: b.matrix,
            table: table
        )
        func floats(_ m: Int, _ context: KernelContext) -> [UInt32] {
            let c = Guarded<Float>(repeating: .nan, count: m * n)
            unsafe IntegerGEMM.multiply(
                a.matrix,
                rowCount: m,
                by: packed,
                into: c.pointer,
                rowStride: n,
                scaling: scales.scaling(.identity),
                context: context
            )
            return bits(c.values)
        }
        let whole = floats(64, KernelContext(table: table))
        for m in 1..<64 {
            #expect(floats(m, KernelContext(table: table)) == Array(whole[..<(m * n)]))
        }
        for pool in pools {
            #expect(floats(64, KernelContext(table: table, pool: pool)) == whole)
        }
    }
}
