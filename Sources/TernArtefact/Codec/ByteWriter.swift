/// Appends numbers, texts and lists to bytes, little-endian.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func write(_ value: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }

    /// A number of things that follow.
    mutating func write(count: Int) {
        guard let count = UInt32(exactly: count) else {
            preconditionFailure("a list is too long for its length to be written")
        }
        write(count)
    }

    mutating func write(_ value: Float) { write(value.bitPattern) }

    mutating func write(_ text: String) {
        write(count: text.utf8.count)
        bytes += text.utf8
    }

    mutating func write(_ string: [UInt8]) {
        write(count: string.count)
        bytes += string
    }

    mutating func writeList<Element>(
        _ list: some Collection<Element>,
        _ body: (inout ByteWriter, Element) -> Void
    ) {
        write(count: list.count)
        for element in list { body(&self, element) }
    }
}
