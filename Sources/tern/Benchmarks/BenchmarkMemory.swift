import TernTensor

/// Memory with numbers in it that arithmetic doesn't slow down on.
enum BenchmarkMemory {
    /// Floats between -1 and 1, none of them denormal.
    static func floats(_ count: Int) -> AlignedBuffer {
        let buffer = AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        // SAFETY: the buffer holds `count` floats.
        let floats = unsafe buffer.baseAddress.assumingMemoryBound(to: Float.self)
        var state: UInt32 = 1
        for index in 0..<count {
            state = state &* 1_664_525 &+ 1_013_904_223
            unsafe floats[index] = Float(Int32(bitPattern: state)) * 0x1p-31 + 0x1p-20
        }
        return buffer
    }

    /// Bytes of any value.
    static func bytes(_ count: Int) -> AlignedBuffer {
        let buffer = AlignedBuffer(byteCount: count)
        // SAFETY: the buffer holds `count` bytes.
        let bytes = unsafe buffer.baseAddress.assumingMemoryBound(to: UInt8.self)
        var state: UInt32 = 1
        for index in 0..<count {
            state = state &* 1_664_525 &+ 1_013_904_223
            unsafe bytes[index] = UInt8(truncatingIfNeeded: state >> 24)
        }
        return buffer
    }
}
