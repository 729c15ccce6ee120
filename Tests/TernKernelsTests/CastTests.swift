import TernKernels
import TernMicrokernels
import TernTensor
import Testing

@Suite(.takingTurns) struct CastTests {
    @Test(arguments: contexts)
    func `every binary16 widens exactly and comes back`(_ context: KernelContext) {
        let all = Guarded((0...UInt16.max).map { $0 })
        let floats = Guarded<Float>(repeating: 0, count: all.count)
        unsafe Elementwise.cast(
            all.pointer,
            of: .fp16,
            into: floats.pointer,
            of: .fp32,
            count: all.count,
            context: context
        )
        let back = Guarded<UInt16>(repeating: 0, count: all.count)
        unsafe Elementwise.cast(
            floats.pointer,
            of: .fp32,
            into: back.pointer,
            of: .fp16,
            count: all.count,
            context: context
        )
        for i in 0..<all.count {
            let exact = Float16(bitPattern: all[i])
            if exact.isNaN {
                #expect(floats[i].isNaN && back[i] & 0x7fff > 0x7c00)
            } else {
                #expect(floats[i] == Float(exact) && back[i] == all[i])
            }
        }
    }

    @Test(arguments: contexts)
    func `narrowing rounds to nearest, ties to even`(_ context: KernelContext) {
        var values: [Float] = [
            65504, 65519.99, 65520, 1e9, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.8p-24, 0x1.004p0,
            0x1.002p0, 0x1.006p0, -0x1.002p0, 0x1p-14, 0x1.ffep-15, .infinity, -.infinity, .nan,
            3.4e38, 0x1.01p0, 0x1.03p0, 0x1.fep127, .greatestFiniteMagnitude, -0.0,
        ]
        var numbers = Numbers(seed: 31)
        for _ in 0..<5000 {
            values.append(Float(bitPattern: UInt32(truncatingIfNeeded: numbers.next())))
        }
        let x = Guarded(values)
        let half = Guarded<UInt16>(repeating: 0, count: x.count)
        let brain = Guarded<UInt16>(repeating: 0, count: x.count)
        unsafe Elementwise.cast(
            x.pointer,
            of: .fp32,
            into: half.pointer,
            of: .fp16,
            count: x.count,
            context: context
        )
        unsafe Elementwise.cast(
            x.pointer,
            of: .fp32,
            into: brain.pointer,
            of: .bf16,
            count: x.count,
            context: context
        )
        for i in 0..<x.count {
            if x[i].isNaN {
                #expect(half[i] & 0x7fff > 0x7c00 && brain[i] & 0x7fff > 0x7f80)
                continue
            }
            #expect(half[i] == Float16(x[i]).bitPattern, "\(x[i])")
            let upper = Float(bitPattern: x[i].bitPattern & 0xffff_0000)
            let lost = x[i].bitPattern & 0xffff
            let roundsUp = lost > 0x8000 || lost == 0x8000 && upper.bitPattern >> 16 & 1 == 1
            #expect(brain[i] == UInt16(upper.bitPattern >> 16) + (roundsUp ? 1 : 0))
        }
    }

    @Test func `numbers truncate, saturate, wrap or become truth`() {
        let context = contexts[0]
        func cast<S: BitwiseCopyable, T: BitwiseCopyable>(
            _ values: [S],
            _ source: ElementType,
            _ target: ElementType,
            _ zero: T
        ) -> [T] {
            let x = Guarded(values)
            let y = Guarded(repeating: zero, count: values.count)
            #expect(
                unsafe Elementwise.cast(
                    x.pointer,
                    of: source,
                    into: y.pointer,
                    of: target,
                    count: values.count,
                    context: context
                )
            )
            return y.values
        }
        let floats: [Float] = [1.9, -1.9, 300, .nan, .infinity, -0.0]
        #expect(cast(floats, .fp32, .int8, Int8(0)) == [1, -1, 127, 0, 127, 0])
        #expect(cast(floats, .fp32, .uint8, UInt8(0)) == [1, 0, 255, 0, 255, 0])
        #expect(cast(floats, .fp32, .bool, UInt8(0)) == [1, 1, 1, 1, 1, 0])
        #expect(cast([Int64(300), -1], .int64, .uint8, UInt8(0)) == [44, 255])
        #expect(cast([Int64.max], .int64, .fp64, 0.0) == [9.223372036854775807e18])
        #expect(cast([UInt64.max], .uint64, .int64, Int64(0)) == [-1])
        #expect(cast([UInt8(2), 0], .bool, .fp32, Float(0)) == [1, 0])
        #expect(cast([UInt8(2), 0], .bool, .bool, UInt8(7)) == [1, 0])
        #expect(cast([1e40, 0.1], .fp64, .fp32, Float(0)) == [.infinity, 0.1])
        #expect(cast([Int32(-5)], .int32, .fp16, UInt16(0)) == [Float16(-5).bitPattern])
        #expect(cast([Float16(2.5).bitPattern], .fp16, .int32, Int32(0)) == [2])
        let any = Guarded<UInt8>([0])
        #expect(
            unsafe !Elementwise.cast(
                any.pointer,
                of: .bytes,
                into: any.pointer,
                of: .fp32,
                count: 0,
                context: context
            )
        )
    }

    @Test func `floats are told apart from NaN and infinity`() {
        let x = Guarded<Float>([1, .nan, .infinity, -.infinity])
        let y = Guarded<UInt8>(repeating: 9, count: 4)
        unsafe Elementwise.isNaN(x.pointer, into: y.pointer, count: 4, elementType: .fp32)
        #expect(y.values == [0, 1, 0, 0])
        unsafe Elementwise.isInfinite(
            x.pointer,
            into: y.pointer,
            count: 4,
            elementType: .fp32,
            negative: false
        )
        #expect(y.values == [0, 0, 1, 0])
        unsafe Elementwise.not(y.read, into: y.pointer, count: 4)
        #expect(y.values == [1, 1, 0, 1])
        #expect(
            unsafe !Elementwise.isNaN(x.pointer, into: y.pointer, count: 4, elementType: .int32)
        )
    }
}
