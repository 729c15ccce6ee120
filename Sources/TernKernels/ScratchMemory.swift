/// Memory that the caller lends to a kernel, handed out from the front in whole cache lines.
@safe internal struct ScratchMemory {
    private var rest: UnsafeMutableRawBufferPointer

    /// Takes the memory.
    ///
    /// - Precondition: It has at least `needed` bytes and, if that is not 0, starts on a cache line.
    @unsafe internal init(_ memory: UnsafeMutableRawBufferPointer, needed: Int) {
        precondition(
            memory.count >= needed,
            "a kernel needs \(needed) bytes of scratch memory and was given \(memory.count)"
        )
        precondition(
            needed == 0 || Int(bitPattern: memory.baseAddress) & 63 == 0,
            "scratch memory must start on a cache line"
        )
        unsafe rest = memory
    }

    /// The next `count` bytes, rounded up to whole cache lines; their contents are anything.
    @unsafe internal mutating func bytes(_ count: Int) -> UnsafeMutableRawPointer {
        let rounded = (count + 63) & ~63
        precondition(unsafe rest.count >= count, "scratch memory is used up")
        guard let base = unsafe rest.baseAddress, count > 0 else {
            // Nothing will be read or written there.
            return unsafe UnsafeMutableRawPointer(bitPattern: 64)!
        }
        unsafe rest = UnsafeMutableRawBufferPointer(
            start: base + Swift.min(rounded, rest.count),
            count: Swift.max(rest.count - rounded, 0)
        )
        return unsafe base
    }

    /// The next `count` floats.
    @unsafe internal mutating func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        unsafe bytes(count * MemoryLayout<Float>.stride).assumingMemoryBound(to: Float.self)
    }
}
