/// Asks whether the server runs at all.
package struct ServerLiveRequest: ColdRequest {
    package static let kind = MessageKind.serverLive
    package typealias Reply = ServerLiveReply

    package init() {}

    package init(reading fields: inout FieldReader) throws(WireError) { try fields.skipAll() }

    package func appendFields(to frame: inout FrameBuilder) {}
}

package struct ServerLiveReply: ColdReply {
    package static let kind = MessageKind.serverLive

    package var isLive: Bool

    package init(isLive: Bool) { self.isLive = isLive }

    package init(reading fields: inout FieldReader) throws(WireError) {
        isLive = try fields.readIsTrue()
    }

    package func appendFields(to frame: inout FrameBuilder) { frame.append(.isTrue, isLive) }
}

/// Asks whether the server takes inference requests.
package struct ServerReadyRequest: ColdRequest {
    package static let kind = MessageKind.serverReady
    package typealias Reply = ServerReadyReply

    package init() {}

    package init(reading fields: inout FieldReader) throws(WireError) { try fields.skipAll() }

    package func appendFields(to frame: inout FrameBuilder) {}
}

package struct ServerReadyReply: ColdReply {
    package static let kind = MessageKind.serverReady

    package var isReady: Bool

    package init(isReady: Bool) { self.isReady = isReady }

    package init(reading fields: inout FieldReader) throws(WireError) {
        isReady = try fields.readIsTrue()
    }

    package func appendFields(to frame: inout FrameBuilder) { frame.append(.isTrue, isReady) }
}

/// Asks who the server is.
package struct ServerMetadataRequest: ColdRequest {
    package static let kind = MessageKind.serverMetadata
    package typealias Reply = ServerMetadataReply

    package init() {}

    package init(reading fields: inout FieldReader) throws(WireError) { try fields.skipAll() }

    package func appendFields(to frame: inout FrameBuilder) {}
}

package struct ServerMetadataReply: ColdReply {
    package static let kind = MessageKind.serverMetadata

    package var name: String
    package var version: String
    /// The optional parts of the Open Inference Protocol that the server has, such as
    /// `model_repository`.
    package var extensions: [String]
    /// The versions of this protocol that the server speaks.
    package var protocolVersions: [UInt64]

    package init(
        name: String,
        version: String,
        extensions: [String],
        protocolVersions: [UInt64] = [UInt64(FrameHeader.version)]
    ) {
        self.name = name
        self.version = version
        self.extensions = extensions
        self.protocolVersions = protocolVersions
    }

    package init(reading fields: inout FieldReader) throws(WireError) {
        var name: String?
        var version: String?
        var extensions: [String] = []
        var protocolVersions: [UInt64] = []
        while let field = try fields.next() {
            switch field.tag {
            case .serverName: name = try fields.nameString(field)
            case .serverVersion: version = try fields.nameString(field)
            case .extension: extensions.append(try fields.nameString(field))
            case .protocolVersion: protocolVersions.append(try fields.uint64(field))
            default: try fields.skip(field)
            }
        }
        guard let name else { throw fields.missing(.serverName) }
        guard let version else { throw fields.missing(.serverVersion) }
        self.init(
            name: name,
            version: version,
            extensions: extensions,
            protocolVersions: protocolVersions
        )
    }

    package func appendFields(to frame: inout FrameBuilder) {
        frame.append(.serverName, name)
        frame.append(.serverVersion, version)
        for name in extensions { frame.append(.extension, name) }
        for version in protocolVersions { frame.append(.protocolVersion, version) }
    }
}

extension FieldReader {
    /// Reads the fields of a message that has none of its own.
    mutating func skipAll() throws(WireError) {
        while let field = try next() { try skip(field) }
    }

    /// Reads the fields of a message whose only own one is `is_true`.
    mutating func readIsTrue() throws(WireError) -> Bool {
        var isTrue: Bool?
        while let field = try next() {
            switch field.tag {
            case .isTrue: isTrue = try bool(field)
            default: try skip(field)
            }
        }
        guard let isTrue else { throw missing(.isTrue) }
        return isTrue
    }
}
