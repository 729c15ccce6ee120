extension WireError: CustomStringConvertible {
    /// One sentence: what is wrong, where, what was expected and what was found.
    package var description: String {
        var sentence = "\(subject) is wrong (\(defect.rawValue)) at byte \(offset)"
        if let expectedDescription { sentence += ": expected \(expectedDescription)" }
        if let foundDescription { sentence += ", found \(foundDescription)" }
        return sentence
    }

    /// The thing that is wrong.
    package var subject: String {
        if let field { return "field \(field)" }
        return switch defect {
        case .frameTruncated, .frameTooSmall, .frameTooLarge, .frameLengthMismatch: "frame length"
        case .magicMismatch: "magic"
        case .versionUnsupported: "protocol version"
        case .kindUnknown, .kindUnexpected: "kind"
        case .directionUnexpected, .flagUnknown, .flagUnexpected: "flags"
        case .statusUnknown, .statusUnexpected: "status"
        case .fieldsOverrun, .fieldsTooLarge: "length of the fields"
        case .fieldCountTooLarge, .fieldTruncated: "fields"
        case .paddingNotZero, .trailingBytes: "payload area"
        default: "header"
        }
    }

    /// What was expected there.
    package var expectedDescription: String? {
        switch defect {
        case .frameTooLarge, .fieldsTooLarge, .fieldCountTooLarge, .nameTooLong, .textTooLong,
            .wantedOutputCountTooLarge, .tensorCountTooLarge, .rankTooLarge, .shapeOverflow,
            .bytesElementCountTooLarge, .bytesElementTooLong, .fieldsOverrun, .boolOutOfRange,
            .statusUnknown:
            "at most \(expected)"
        case .frameTruncated, .frameTooSmall, .fieldTruncated, .bytesElementTruncated, .nameEmpty,
            .payloadOverrun:
            "at least \(expected) bytes"
        case .fieldOutOfOrder: "a tag not below \(expected)"
        case .fieldConflict: "either a version or a label"
        case .fieldUnknown: "a critical field of this version"
        case .flagUnknown, .flagUnexpected: "no such flag here"
        case .kindUnknown: "a call of this version"
        case .nameNotUTF8, .textNotUTF8: "UTF-8"
        case .nameHasControlCharacter: "no control character"
        case .nameDuplicate: "each name once"
        case .elementTypeUnknown: "a code of the table of element types"
        case .headerNotZero, .fieldNotZero, .paddingNotZero: "zero"
        case .magicMismatch: "the bytes TERN"
        case .valueOutOfRange: "a value in the field's range"
        default: "\(expected)"
        }
    }

    /// What was found there; `nil` if no number says it.
    package var foundDescription: String? {
        switch defect {
        case .nameNotUTF8, .textNotUTF8, .nameDuplicate, .fieldConflict, .shapeOverflow: nil
        case .fieldUnknown, .flagUnknown, .flagUnexpected, .magicMismatch:
            "0x" + String(found, radix: 16)
        default: "\(found)"
        }
    }
}
