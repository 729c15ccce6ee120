/// What a field means; one registry for all kinds of message.
///
/// A tag is a number of 16 bits. Fields stand in ascending order of their tags, so a reader finds
/// repetitions by looking at the tag before. A tag with the highest bit set is *critical*: a reader
/// that doesn't know it refuses the frame. Other unknown tags are skipped.
package struct FieldTag: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    @inlinable
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The bit that forbids skipping.
    package static let criticalBit: UInt16 = 0x8000

    /// Whether a reader that doesn't know the tag must refuse the frame.
    package var isCritical: Bool { rawValue & Self.criticalBit != 0 }

    // Which model, and what it answered.
    package static let modelName = FieldTag(rawValue: 0x01)
    package static let modelVersion = FieldTag(rawValue: 0x02)
    package static let modelLabel = FieldTag(rawValue: 0x03)
    package static let requestID = FieldTag(rawValue: 0x04)
    package static let wantedOutput = FieldTag(rawValue: 0x05)
    package static let phaseTimes = FieldTag(rawValue: 0x06)
    package static let tensor = FieldTag(rawValue: 0x07)

    // Cancel.
    package static let targetCorrelationID = FieldTag(rawValue: 0x10)
    package static let targetIdempotencyKey = FieldTag(rawValue: 0x11)
    package static let wasInFlight = FieldTag(rawValue: 0x12)

    // Server and model metadata.
    package static let isTrue = FieldTag(rawValue: 0x20)
    package static let serverName = FieldTag(rawValue: 0x21)
    package static let serverVersion = FieldTag(rawValue: 0x22)
    package static let `extension` = FieldTag(rawValue: 0x23)
    package static let protocolVersion = FieldTag(rawValue: 0x24)
    package static let platform = FieldTag(rawValue: 0x25)
    package static let availableVersion = FieldTag(rawValue: 0x26)
    package static let inputDescriptor = FieldTag(rawValue: 0x27)
    package static let outputDescriptor = FieldTag(rawValue: 0x28)

    // Repository.
    package static let readyOnly = FieldTag(rawValue: 0x30)
    package static let indexEntry = FieldTag(rawValue: 0x31)

    // Errors.
    package static let errorMessage = FieldTag(rawValue: 0x40)
    package static let errorSubject = FieldTag(rawValue: 0x41)
    package static let errorExpected = FieldTag(rawValue: 0x42)
    package static let errorFound = FieldTag(rawValue: 0x43)

    /// Whether the field may stand in a frame more than once; so may tags this reader doesn't know.
    package var isRepeatable: Bool {
        switch self {
        case .modelName, .modelVersion, .modelLabel, .requestID, .phaseTimes,
            .targetCorrelationID, .targetIdempotencyKey, .wasInFlight, .isTrue, .serverName,
            .serverVersion, .platform, .readyOnly, .errorMessage, .errorSubject, .errorExpected,
            .errorFound:
            false
        default:
            true
        }
    }
}

extension FieldTag: CustomStringConvertible {
    /// The field's name in the specification, or its number.
    package var description: String {
        switch self {
        case .modelName: "model_name"
        case .modelVersion: "model_version"
        case .modelLabel: "model_label"
        case .requestID: "request_id"
        case .wantedOutput: "wanted_output"
        case .phaseTimes: "phase_times"
        case .tensor: "tensor"
        case .targetCorrelationID: "target_correlation_id"
        case .targetIdempotencyKey: "target_idempotency_key"
        case .wasInFlight: "was_in_flight"
        case .isTrue: "is_true"
        case .serverName: "server_name"
        case .serverVersion: "server_version"
        case .extension: "extension"
        case .protocolVersion: "protocol_version"
        case .platform: "platform"
        case .availableVersion: "available_version"
        case .inputDescriptor: "input"
        case .outputDescriptor: "output"
        case .readyOnly: "ready_only"
        case .indexEntry: "index_entry"
        case .errorMessage: "error_message"
        case .errorSubject: "error_subject"
        case .errorExpected: "error_expected"
        case .errorFound: "error_found"
        default: "0x" + String(rawValue, radix: 16)
        }
    }
}
