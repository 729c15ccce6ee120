/// The reply to a request that failed, whatever its kind.
///
/// The code is for programs, the rest for people: what it is about, what was expected there, and what
/// was found.
package struct ErrorReply: Equatable, Sendable {
    /// Never ``StatusCode/ok``.
    package var code: StatusCode
    /// One sentence.
    package var message: String
    /// The thing that is wrong, such as `input "pixels"`.
    package var subject: String?
    package var expected: String?
    package var found: String?
    /// When trying again may succeed; always there with ``StatusCode/resourceExhausted``.
    package var retryAfterMicroseconds: UInt64?
    /// The versions of the protocol that the server speaks; there if the request's was not one.
    package var supportedVersions: [UInt64]

    package init(
        code: StatusCode,
        message: String,
        subject: String? = nil,
        expected: String? = nil,
        found: String? = nil,
        retryAfterMicroseconds: UInt64? = nil,
        supportedVersions: [UInt64] = []
    ) {
        precondition(code != .ok, "an error reply must have an error's code")
        self.code = code
        self.message = message
        self.subject = subject
        self.expected = expected
        self.found = found
        self.retryAfterMicroseconds = retryAfterMicroseconds
        self.supportedVersions = supportedVersions
    }

    /// The reply that reports a defect of the received frame.
    package init(_ error: WireError) {
        self.init(
            code: error.code,
            message: error.description,
            subject: error.subject,
            expected: error.expectedDescription,
            found: error.foundDescription,
            supportedVersions: error.defect == .versionUnsupported
                ? [UInt64(FrameHeader.version)] : []
        )
    }
}

extension ErrorReply {
    /// Makes the frame; texts that are too long for the defaults of ``WireLimits`` are cut.
    package func encoded(to envelope: ReplyEnvelope) -> [UInt8] {
        var header = FrameHeader(
            kindCode: envelope.kindCode,
            correlationID: envelope.correlationID
        )
        header.isReply = true
        header.status = code
        header.microseconds = retryAfterMicroseconds
        var frame = FrameBuilder(header)
        for version in supportedVersions { frame.append(.protocolVersion, version) }
        frame.append(.errorMessage, WireText.cut(message))
        if let subject { frame.append(.errorSubject, WireText.cut(subject)) }
        if let expected { frame.append(.errorExpected, WireText.cut(expected)) }
        if let found { frame.append(.errorFound, WireText.cut(found)) }
        return frame.finish()
    }

    /// Makes the frame that answers the request with this header.
    package func encoded(to header: FrameHeader) -> [UInt8] { encoded(to: ReplyEnvelope(header)) }

    /// Reads and checks an error reply.
    ///
    /// - Parameters:
    ///   - frame: The frame, from its first byte to its last.
    ///   - limits: What to accept.
    /// - Throws: The first defect found; ``WireDefect/statusUnexpected`` if the call succeeded.
    package init(decoding frame: RawSpan, limits: WireLimits = .standard) throws(WireError) {
        let header = try FrameHeader.ofWhole(frame, limits: limits)
        guard header.isReply else {
            throw WireError(.directionUnexpected, at: 16, expected: 1, found: 0)
        }
        guard header.status != .ok else {
            throw WireError(.statusUnexpected, at: 18, expected: 1, found: 0)
        }
        var message: String?
        var subject: String?
        var expected: String?
        var found: String?
        var versions: [UInt64] = []
        var fields = FieldReader(frame: frame, header: header, limits: limits)
        while let field = try fields.next() {
            switch field.tag {
            case .protocolVersion: versions.append(try fields.uint64(field))
            case .errorMessage: message = try fields.textString(field)
            case .errorSubject: subject = try fields.textString(field)
            case .errorExpected: expected = try fields.textString(field)
            case .errorFound: found = try fields.textString(field)
            default: try fields.skip(field)
            }
        }
        guard let message else { throw fields.missing(.errorMessage) }
        guard header.fieldsEnd == frame.byteCount else {
            throw WireError(
                .trailingBytes,
                at: header.fieldsEnd,
                expected: header.fieldsEnd,
                found: frame.byteCount
            )
        }
        self.init(
            code: header.status,
            message: message,
            subject: subject,
            expected: expected,
            found: found,
            retryAfterMicroseconds: header.microseconds,
            supportedVersions: versions
        )
    }
}

extension WireText {
    /// The beginning of `text`, in whole characters, that fits the default limit.
    static func cut(_ text: String) -> String {
        let limit = WireLimits.standard.textByteCount
        guard text.utf8.count > limit else { return text }
        var result = ""
        var byteCount = 0
        for scalar in text.unicodeScalars {
            byteCount += UTF8.width(scalar)
            guard byteCount <= limit else { break }
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}
