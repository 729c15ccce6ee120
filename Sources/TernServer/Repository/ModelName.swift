/// The rules for what a model may be called.
///
/// A name comes from the network or from a folder, is used in log lines and replies, and becomes
/// one component of a path. So it may be no path of its own: no separator, no leading dot, nothing
/// that a terminal would interpret.
package enum ModelName {
    /// The longest name, in bytes of UTF-8: the longest name of a file.
    package static let maximumByteCount = 255

    /// Says what is wrong with `name`.
    ///
    /// - Parameter name: A name from outside.
    /// - Returns: `nil` if it is a good name, or a sentence that ends without a full stop.
    package static func defect(of name: String) -> String? {
        let byteCount = name.utf8.count
        if byteCount == 0 { return "a model's name cannot be empty" }
        if byteCount > maximumByteCount {
            return "a model's name has at most \(maximumByteCount) bytes, this one has \(byteCount)"
        }
        if name.utf8.first == UInt8(ascii: ".") {
            return "a model's name cannot start with a dot"
        }
        for scalar in name.unicodeScalars {
            if scalar == "/" || scalar == "\\" {
                return "a model's name cannot contain a path separator"
            }
            if scalar.properties.generalCategory == .control {
                return "a model's name cannot contain control characters"
            }
        }
        return nil
    }
}

/// The rules for how a folder spells the version it holds.
package enum VersionNumber {
    /// Reads a version number as a folder must spell it: decimal, positive, without leading zeros,
    /// so that no two folders are the same version.
    ///
    /// - Parameter name: The folder's name.
    /// - Returns: `nil` if it is not spelled so or doesn't fit 63 bits.
    package static func parse(_ name: String) -> UInt64? {
        guard let first = name.utf8.first, first != UInt8(ascii: "0") else { return nil }
        for digit in name.utf8
        where digit < UInt8(ascii: "0") || digit > UInt8(ascii: "9") { return nil }
        guard let number = Int64(name) else { return nil }
        return UInt64(number)
    }
}
