/// Why received bytes are not a frame that this reader accepts.
///
/// Plain numbers, so that throwing one allocates nothing; the words are made when somebody asks.
package struct WireError: Error, Equatable, Sendable {
    /// What is wrong.
    package let defect: WireDefect
    /// Where in the frame the reader was.
    package let offset: Int
    /// The field concerned; `nil` outside the fields.
    package let field: FieldTag?
    /// What was expected: the only right value, the limit, or the least.
    package let expected: UInt64
    /// What was found.
    package let found: UInt64

    package init<Expected: BinaryInteger, Found: BinaryInteger>(
        _ defect: WireDefect,
        at offset: Int,
        field: FieldTag? = nil,
        expected: Expected = 0 as Int,
        found: Found = 0 as Int
    ) {
        self.defect = defect
        self.offset = offset
        self.field = field
        self.expected = UInt64(truncatingIfNeeded: expected)
        self.found = UInt64(truncatingIfNeeded: found)
    }

    /// The status of the reply that reports this error.
    package var code: StatusCode { defect.code }
}

/// The defects a frame can have.
///
/// The raw values are the identities that the specification and the test vectors use.
package enum WireDefect: String, Sendable, CaseIterable {
    // The frame as a whole.
    case frameTruncated = "frame-truncated"
    case magicMismatch = "magic-mismatch"
    case versionUnsupported = "version-unsupported"
    case frameTooSmall = "frame-too-small"
    case frameTooLarge = "frame-too-large"
    case frameLengthMismatch = "frame-length-mismatch"

    // The header.
    case kindUnknown = "kind-unknown"
    case kindUnexpected = "kind-unexpected"
    case directionUnexpected = "direction-unexpected"
    case flagUnknown = "flag-unknown"
    case flagUnexpected = "flag-unexpected"
    case statusUnknown = "status-unknown"
    case statusUnexpected = "status-unexpected"
    case headerNotZero = "header-not-zero"

    // The fields.
    case fieldsOverrun = "fields-overrun"
    case fieldsTooLarge = "fields-too-large"
    case fieldCountTooLarge = "field-count-too-large"
    case fieldTruncated = "field-truncated"
    case fieldNotZero = "field-not-zero"
    case fieldOutOfOrder = "field-out-of-order"
    case fieldRepeated = "field-repeated"
    case fieldMissing = "field-missing"
    case fieldConflict = "field-conflict"
    case fieldUnknown = "field-unknown"
    case fieldLengthMismatch = "field-length-mismatch"
    case valueOutOfRange = "value-out-of-range"

    // Names and texts.
    case nameEmpty = "name-empty"
    case nameTooLong = "name-too-long"
    case nameNotUTF8 = "name-not-utf8"
    case nameHasControlCharacter = "name-has-control-character"
    case nameDuplicate = "name-duplicate"
    case textTooLong = "text-too-long"
    case textNotUTF8 = "text-not-utf8"
    case wantedOutputCountTooLarge = "wanted-output-count-too-large"

    // Tensors.
    case tensorCountTooLarge = "tensor-count-too-large"
    case elementTypeUnknown = "element-type-unknown"
    case rankTooLarge = "rank-too-large"
    case shapeOverflow = "shape-overflow"
    case payloadLengthMismatch = "payload-length-mismatch"
    case payloadOverrun = "payload-overrun"
    case paddingNotZero = "padding-not-zero"
    case trailingBytes = "trailing-bytes"
    case boolOutOfRange = "bool-out-of-range"
    case bytesElementCountTooLarge = "bytes-element-count-too-large"
    case bytesElementTooLong = "bytes-element-too-long"
    case bytesElementTruncated = "bytes-element-truncated"
    case bytesElementCountMismatch = "bytes-element-count-mismatch"

    // Phase times.
    case phaseSumMismatch = "phase-sum-mismatch"

    /// The status of the reply that reports this defect: the peer may be newer than this reader
    /// (`UNIMPLEMENTED`), or it is wrong (`INVALID_ARGUMENT`).
    package var code: StatusCode {
        switch self {
        case .versionUnsupported, .kindUnknown, .flagUnknown, .fieldUnknown: .unimplemented
        default: .invalidArgument
        }
    }
}
