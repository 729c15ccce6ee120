import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct LinearQuantizationTests {
    static let shapes = [
        (1, 1, 0), (1, 1, 1), (3, 1, 7), (2, 1, 9000), (2, 5, 1), (3, 37, 1), (2, 3, 18), (0, 4, 2),
    ]

    @Test(arguments: contexts, [true, false])
    func `floats become bytes and back, per tensor and per axis`(
        _ context: KernelContext,
        _ isSigned: Bool
    ) {
        var numbers = Numbers(seed: 1)
        let least: Int32 = isSigned ? -128 : 0
        for (outer, axis, inner) in Self.shapes {
            let linear = LinearQuantization(
                outerCount: outer,
                axisCount: axis,
                innerCount: inner
            )
            let count = outer * axis * inner
            let scales = Guarded(numbers.floats(axis, in: 0.01...0.1))
            let zeros = Guarded((0..<axis).map { _ in least + Int32(numbers.next() & 255) })
            var values = numbers.floats(count, in: -20...20)
            for (i, value) in [Float.nan, .infinity, -.infinity, -0.0, 0x1p-140].enumerated()
            where count > 40 {
                values[7 * i] = value
            }
            let x = Guarded(values)
            let q = Guarded<UInt8>(repeating: 3, count: count)
            unsafe linear.quantize(
                x.read,
                scales: scales.read,
                zeros: zeros.read,
                isSigned: isSigned,
                into: q.pointer,
                context: context
            )
            let y = Guarded<Float>(repeating: .nan, count: count)
            unsafe linear.dequantize(
                q.read,
                scales: scales.read,
                zeros: zeros.read,
                isSigned: isSigned,
                into: y.pointer,
                context: context
            )
            for i in 0..<count {
                let position = i / inner % axis
                let exact = values[i] / scales[position]
                let rounded = exact.rounded(.toNearestOrEven) + Float(zeros[position])
                let code =
                    exact.isNaN
                    ? least : Int32(Swift.max(Float(least), Swift.min(Float(least + 255), rounded)))
                let found = isSigned ? Int32(Int8(bitPattern: q[i])) : Int32(q[i])
                #expect(found == code, "\(values[i]) / \(scales[position])")
                #expect(y[i] == Float(code - zeros[position]) * scales[position])
            }
        }
    }

    @Test(arguments: contexts)
    func `integers of 32 bits become floats`(_ context: KernelContext) {
        var numbers = Numbers(seed: 2)
        for (outer, axis, inner) in Self.shapes {
            let count = outer * axis * inner
            let scales = Guarded(numbers.floats(axis))
            let zeros = Guarded((0..<axis).map { _ in Int32(numbers.next() & 255) })
            let q = Guarded((0..<count).map { _ in Int32(truncatingIfNeeded: numbers.next()) >> 2 })
            let y = Guarded<Float>(repeating: .nan, count: count)
            unsafe LinearQuantization(
                outerCount: outer,
                axisCount: axis,
                innerCount: inner
            ).dequantize(
                integers: q.read,
                scales: scales.read,
                zeros: zeros.read,
                into: y.pointer,
                context: context
            )
            for i in 0..<count {
                let position = i / inner % axis
                #expect(y[i] == Float(q[i] - zeros[position]) * scales[position])
            }
        }
    }

    @Test(arguments: contexts)
    func `the range of a tensor holds zero and passes over NaN`(_ context: KernelContext) {
        func range(_ values: [Float]) -> (Float, UInt8) {
            let x = Guarded(values)
            let found = unsafe LinearQuantization.dynamicRange(
                x.read,
                count: values.count,
                context: context
            )
            return (found.scale, found.zeroPoint)
        }
        #expect(range([]) == (1, 0))
        #expect(range([0, 0, .nan]) == (1, 0))
        #expect(range([2, 51]) == (51 / 255, 0))
        #expect(range([-51, -3, .nan]) == (51 / 255, 255))
        for count in [3, 16, 17, 100] {
            var values = [Float](repeating: 1, count: count)
            values[count - 1] = -10
            values[count / 2] = .nan
            values[0] = 41
            #expect(range(values) == (51 / 255, 50))
        }
    }
}
