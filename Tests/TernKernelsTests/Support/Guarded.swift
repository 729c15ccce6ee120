import Glibc

/// Memory whose end touches a page that may not be accessed.
///
/// A kernel that reads or writes one element too far ends the process. Where the memory starts
/// depends on its length, so lengths that are not multiples of a register are misaligned.
@safe final class Guarded<Element: BitwiseCopyable> {
    let count: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappedByteCount: Int
    let pointer: UnsafeMutablePointer<Element>

    init(_ values: [Element]) {
        count = values.count
        let byteCount = values.count * MemoryLayout<Element>.stride
        let page = 4096
        let inner = (byteCount + page - 1) / page * page
        mappedByteCount = inner + 2 * page
        unsafe mapping = mmap(
            nil,
            mappedByteCount,
            PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS,
            -1,
            0
        )!
        precondition(unsafe mapping != MAP_FAILED, "no memory for a guarded buffer")
        if inner > 0 {
            let result = unsafe mprotect(mapping + page, inner, PROT_READ | PROT_WRITE)
            precondition(result == 0, "cannot open a guarded buffer")
        }
        let start = unsafe mapping + page + inner - byteCount
        unsafe pointer = start.assumingMemoryBound(to: Element.self)
        unsafe pointer.initialize(from: values, count: values.count)
    }

    convenience init(repeating value: Element, count: Int) {
        self.init([Element](repeating: value, count: count))
    }

    deinit { unsafe munmap(mapping, mappedByteCount) }

    /// The same memory, for reading.
    var read: UnsafePointer<Element> { unsafe UnsafePointer(pointer) }

    /// The elements now.
    var values: [Element] { unsafe Array(UnsafeBufferPointer(start: pointer, count: count)) }

    subscript(i: Int) -> Element {
        get {
            precondition(i >= 0 && i < count)
            return unsafe pointer[i]
        }
        set {
            precondition(i >= 0 && i < count)
            unsafe pointer[i] = newValue
        }
    }
}

/// Scratch memory that ends at a page that may not be accessed, or nearly: it starts on a cache line.
@safe final class Scratch {
    private let memory: Guarded<UInt8>

    init(_ byteCount: Int) {
        memory = Guarded(repeating: 0xcd, count: (byteCount + 63) & ~63)
    }

    var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: memory.pointer, count: memory.count)
    }
}
