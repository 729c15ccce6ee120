/// Why bytes are not a usable `.npy` file, in a sentence.
package struct NPYError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package var message: String

    /// Makes an error.
    package init(_ message: String) { self.message = message }

    /// The same as ``message``.
    package var description: String { message }
}

/// NumPy's file format for one array, versions 1 to 3.
///
/// All of Tern's types are read and written. `BYTES` is NumPy's `S` (fixed-length byte strings,
/// padded with zeros) and, when reading, also `U` (text, which becomes UTF-8); `BF16`, which NumPy
/// does not have, is two opaque bytes, `V2`, as NumPy's bfloat16 extension saves it. Column-major
/// (Fortran-order) and big-endian arrays are converted when they are read.
package enum NPYFile {
    /// The longest header that is read; real ones have about 100 bytes.
    package static let headerByteCountLimit = 65_536
    /// The longest file that is read.
    package static let fileByteCountLimit = 1 << 34

    private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

    /// Reads an array from a file.
    ///
    /// - Parameter path: The file.
    /// - Returns: The array.
    /// - Throws: ``FileError`` if the file cannot be read or is not a usable `.npy` file.
    package static func read(_ path: String) throws(FileError) -> Tensor {
        let bytes = try FileBytes.read(path, byteCountLimit: fileByteCountLimit)
        do throws(NPYError) {
            return try decode(bytes)
        } catch {
            throw FileError(path: path, reason: error.message)
        }
    }

    /// Writes an array to a file.
    ///
    /// - Parameters:
    ///   - tensor: The array.
    ///   - path: The file; what was there is replaced.
    /// - Throws: ``FileError`` if it cannot be written, or the array cannot be said in this format.
    package static func write(_ tensor: Tensor, to path: String) throws(FileError) {
        let bytes: [UInt8]
        do throws(NPYError) {
            bytes = try encode(tensor)
        } catch {
            throw FileError(path: path, reason: error.message)
        }
        try FileBytes.write(bytes, to: path)
    }

    /// Reads an array from the bytes of a file.
    ///
    /// - Parameter bytes: The whole file.
    /// - Returns: The array.
    /// - Throws: ``NPYError`` that says what is wrong.
    package static func decode(_ bytes: [UInt8]) throws(NPYError) -> Tensor {
        guard bytes.count >= 10 else {
            throw NPYError("a .npy file has at least 10 bytes, found \(bytes.count)")
        }
        guard bytes.starts(with: magic) else {
            throw NPYError("a .npy file starts with \\x93NUMPY, this one does not")
        }
        let version = bytes[6]
        guard (1...3).contains(version) else {
            throw NPYError("version \(version).\(bytes[7]) is not known, versions 1 to 3 are")
        }
        let lengthByteCount = version == 1 ? 2 : 4
        let start = 8 + lengthByteCount
        guard bytes.count >= start else {
            throw NPYError("the header's length is cut short")
        }
        let headerByteCount = (0..<lengthByteCount).reduce(0) {
            $0 | Int(bytes[8 + $1]) << (8 * $1)
        }
        guard headerByteCount <= headerByteCountLimit else {
            throw NPYError(
                "the header has \(headerByteCount) bytes, more than the limit of "
                    + "\(headerByteCountLimit)"
            )
        }
        guard bytes.count - start >= headerByteCount else {
            throw NPYError(
                "the header has \(headerByteCount) bytes, \(bytes.count - start) are there"
            )
        }
        var parser = NPYHeaderParser(bytes[start..<(start + headerByteCount)])
        let header = try parser.parse()
        return try NPYElements(header).tensor(from: bytes[(start + headerByteCount)...])
    }

    /// Writes an array as the bytes of a file of version 1.
    ///
    /// - Parameter tensor: The array.
    /// - Returns: The whole file; its elements start at a multiple of 64 bytes.
    /// - Throws: ``NPYError`` if a byte string ends with a zero byte, which this format cannot say.
    package static func encode(_ tensor: Tensor) throws(NPYError) -> [UInt8] {
        let descriptor: String
        var payload: [UInt8]
        if tensor.elementType == .bytes {
            guard let strings = tensor.byteStrings else {
                throw NPYError("the BYTES tensor does not hold as many elements as its shape says")
            }
            let width = max(1, strings.map(\.count).max() ?? 0)
            payload = []
            payload.reserveCapacity(width * strings.count)
            for (index, string) in strings.enumerated() {
                guard string.last != 0 else {
                    throw NPYError(
                        "element \(index) ends with a zero byte, which a .npy file cannot say"
                    )
                }
                payload += string
                payload += repeatElement(0, count: width - string.count)
            }
            descriptor = "|S\(width)"
        } else {
            descriptor = NPYElements.descriptor(of: tensor.elementType)
            payload = unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        }
        let sizes = tensor.shape.map(String.init).joined(separator: ", ")
        let shape = tensor.shape.rank == 1 ? "(\(sizes),)" : "(\(sizes))"
        let text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }"
        let padding = 64 - (10 + text.utf8.count + 1) % 64
        let headerByteCount = text.utf8.count + padding % 64 + 1
        var bytes = magic + [1, 0]
        bytes += [UInt8(headerByteCount & 0xFF), UInt8(headerByteCount >> 8)]
        bytes += Array(text.utf8) + repeatElement(0x20, count: padding % 64) + [0x0A]
        return bytes + payload
    }
}
