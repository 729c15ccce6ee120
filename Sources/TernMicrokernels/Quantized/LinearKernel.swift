/// Quantisation by a scale and a zero point, and back.
@usableFromInline
internal enum LinearKernel<I: BFloatInstructionSet> {
    /// y = saturate(roundToEven(x / scale) + zero), bytes; NaN becomes the least byte.
    ///
    /// `scales` and `zeros` hold one number for each element, or, with `isUniform`, one for all.
    @inlinable
    @inline(__always)
    internal static func quantize(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        _ scales: UnsafePointer<Float>,
        _ zeros: UnsafePointer<Int32>,
        _ isUniform: Bool,
        _ isSigned: Bool,
        _ y: UnsafeMutablePointer<UInt8>
    ) {
        let least = I.broadcast(Int32(isSigned ? -128 : 0))
        let greatest = I.broadcast(Int32(isSigned ? 127 : 255))
        var scale = unsafe I.broadcast(scales[0])
        var zero = unsafe I.broadcast(zeros[0])
        var i = 0
        while i < count {
            let lanes = Swift.min(I.laneCount, count &- i)
            if !isUniform {
                scale = unsafe I.load(scales + i, count: lanes)
                zero = unsafe I.load(zeros + i, count: lanes)
            }
            // Bounded before rounding, so that what is rounded fits; the bound comes second, so that
            // NaN becomes the lower one.
            var v = unsafe I.divide(I.load(x + i, count: lanes), scale)
            v = I.maximum(v, I.convert(I.subtract(least, zero)))
            v = I.minimum(v, I.convert(I.subtract(greatest, zero)))
            let q = I.add(I.truncate(I.roundToEven(v)), zero)
            unsafe I.storeFirst(bytes: q, y + i, lanes)
            i &+= I.laneCount
        }
    }

    /// y = float(q - zero)·scale for bytes; scales and zeros as above.
    @inlinable
    @inline(__always)
    internal static func dequantize(
        _ q: UnsafePointer<UInt8>,
        _ count: Int,
        _ scales: UnsafePointer<Float>,
        _ zeros: UnsafePointer<Int32>,
        _ isUniform: Bool,
        _ isSigned: Bool,
        _ y: UnsafeMutablePointer<Float>
    ) {
        var scale = unsafe I.broadcast(scales[0])
        var zero = unsafe I.broadcast(zeros[0])
        var i = 0
        while i < count {
            let lanes = Swift.min(I.laneCount, count &- i)
            if !isUniform {
                scale = unsafe I.load(scales + i, count: lanes)
                zero = unsafe I.load(zeros + i, count: lanes)
            }
            let bytes = unsafe firstBytes(q + i, lanes, isSigned)
            unsafe I.storeFirst(I.multiply(I.convert(I.subtract(bytes, zero)), scale), y + i, lanes)
            i &+= I.laneCount
        }
    }

    /// y = float(q - zero)·scale for 32-bit integers, the difference modulo 2³².
    @inlinable
    @inline(__always)
    internal static func dequantizeIntegers(
        _ q: UnsafePointer<Int32>,
        _ count: Int,
        _ scales: UnsafePointer<Float>,
        _ zeros: UnsafePointer<Int32>,
        _ isUniform: Bool,
        _ y: UnsafeMutablePointer<Float>
    ) {
        var scale = unsafe I.broadcast(scales[0])
        var zero = unsafe I.broadcast(zeros[0])
        var i = 0
        while i < count {
            let lanes = Swift.min(I.laneCount, count &- i)
            if !isUniform {
                scale = unsafe I.load(scales + i, count: lanes)
                zero = unsafe I.load(zeros + i, count: lanes)
            }
            let v = unsafe I.subtract(I.load(q + i, count: lanes), zero)
            unsafe I.storeFirst(I.multiply(I.convert(v), scale), y + i, lanes)
            i &+= I.laneCount
        }
    }

    /// The first bytes, widened.
    @inlinable
    @inline(__always)
    internal static func firstBytes(
        _ p: UnsafePointer<UInt8>,
        _ count: Int,
        _ isSigned: Bool
    ) -> I.Integers {
        if count >= I.laneCount { return unsafe bytes(p, isSigned) }
        var rest = InlineArray<16, UInt8>(repeating: 0)
        for i in 0..<count { unsafe rest[unchecked: i] = p[i] }
        return unsafe withUnsafePointer(to: &rest) { buffer in
            unsafe buffer.withMemoryRebound(to: UInt8.self, capacity: 16) {
                unsafe bytes($0, isSigned)
            }
        }
    }

    @inlinable
    @inline(__always)
    internal static func bytes(_ p: UnsafePointer<UInt8>, _ isSigned: Bool) -> I.Integers {
        guard isSigned else { return unsafe I.load(bytes: p) }
        return unsafe I.load(
            signedBytes: UnsafeRawPointer(p).assumingMemoryBound(to: Int8.self)
        )
    }

    /// The least and the greatest of `count` floats, starting from what is given; a NaN is passed over.
    @inlinable
    @inline(__always)
    internal static func extremes(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        _ range: UnsafeMutablePointer<Float>
    ) {
        var least = unsafe I.broadcast(range[0])
        var greatest = unsafe I.broadcast(range[1])
        var i = 0
        while count &- i >= I.laneCount {
            let v = unsafe I.load(x + i)
            // Where v is NaN the second operand is the result.
            least = I.minimum(v, least)
            greatest = I.maximum(v, greatest)
            i &+= I.laneCount
        }
        var low = InlineArray<16, Float>(repeating: .infinity)
        var high = InlineArray<16, Float>(repeating: -.infinity)
        unsafe withUnsafeMutablePointer(to: &low) { buffer in
            unsafe buffer.withMemoryRebound(to: Float.self, capacity: 16) {
                unsafe I.store(least, $0)
            }
        }
        unsafe withUnsafeMutablePointer(to: &high) { buffer in
            unsafe buffer.withMemoryRebound(to: Float.self, capacity: 16) {
                unsafe I.store(greatest, $0)
            }
        }
        for lane in 0..<16 {
            if unsafe low[unchecked: lane] < range[0] { unsafe range[0] = low[unchecked: lane] }
            if unsafe high[unchecked: lane] > range[1] { unsafe range[1] = high[unchecked: lane] }
        }
        while i < count {
            if unsafe x[i] < range[0] { unsafe range[0] = x[i] }
            if unsafe x[i] > range[1] { unsafe range[1] = x[i] }
            i &+= 1
        }
    }
}
