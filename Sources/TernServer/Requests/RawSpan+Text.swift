extension RawSpan {
    /// The bytes as text; those that are not UTF-8 are replaced.
    ///
    /// Allocates: for messages and logs.
    internal var text: String {
        unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
