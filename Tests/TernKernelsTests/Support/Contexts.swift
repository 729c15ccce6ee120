import TernKernels
import TernMicrokernels
import TernThreadPool

/// The instruction sets this machine can run.
let tables = KernelTable.available

/// One thread, on each instruction set.
let contexts = tables.map { KernelContext(table: $0) }

/// Pools of other sizes than the machine, so that work is shared out unevenly.
let pools = [1, 2, 3].map { ThreadPool(workerCount: $0) }

/// A repeatable source of numbers.
struct Numbers {
    private var state: UInt64

    init(seed: UInt64 = 1) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func int(in range: Range<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    mutating func float(in range: ClosedRange<Float> = -1...1) -> Float {
        let unit = Float(next() >> 40) * 0x1p-24
        return range.lowerBound + unit * (range.upperBound - range.lowerBound)
    }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in float(in: range) }
    }
}

/// How many representable numbers lie between two floats; 0 for two NaN.
func ulps(_ a: Float, _ b: Float) -> Double {
    if a.isNaN && b.isNaN { return 0 }
    if a.isNaN != b.isNaN { return .infinity }
    if a == b { return 0 }
    func position(_ x: Float) -> Int64 {
        let bits = Int64(x.bitPattern & 0x7fff_ffff)
        return x.sign == .minus ? -bits : bits
    }
    return Double(abs(position(a) - position(b)))
}

/// How far a float is from the exact value, in units of the last place of the exact value.
func ulps(_ result: Float, exact: Double) -> Double {
    let nearest = Float(exact)
    if nearest.isNaN || nearest.isInfinite || result.isNaN || result.isInfinite {
        return ulps(result, nearest)
    }
    let unit = Swift.max(Double(nearest.ulp), 0x1p-149)
    return abs(Double(result) - exact) / unit
}

func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
