/// What a reader accepts at most; each is checked before anything it bounds is looked at.
///
/// The defaults are those of the specification. A server may be set to others; a client may rely on
/// the defaults. The rank of a tensor is bounded by the protocol itself (``Shape/maximumRank``).
package struct WireLimits: Sendable, Equatable {
    /// The bytes of a whole frame.
    package var frameByteCount = 256 << 20
    /// The bytes of a frame's fields.
    package var fieldsByteCount = 1 << 20
    /// The fields of a frame, unknown ones included.
    package var fieldCount = 16_384
    /// The tensors of a frame.
    package var tensorCount = 128
    /// The outputs that a request names.
    package var wantedOutputCount = 128
    /// The UTF-8 bytes of a name: of a model, label, tensor, axis, extension or request.
    package var nameByteCount = 256
    /// The UTF-8 bytes of a text for people, such as an error's message.
    package var textByteCount = 4096
    /// The elements of one `BYTES` tensor.
    package var bytesElementCount = 1 << 20
    /// The bytes of one element of a `BYTES` tensor.
    package var bytesElementByteCount = 16 << 20

    /// The defaults.
    package static let standard = WireLimits()

    package init() {}
}
