/// Asks which models there are.
package struct RepositoryIndexRequest: ColdRequest {
    package static let kind = MessageKind.repositoryIndex
    package typealias Reply = RepositoryIndexReply

    /// Whether only models that can be called are listed.
    package var readyOnly: Bool

    package init(readyOnly: Bool = false) { self.readyOnly = readyOnly }

    package init(reading fields: inout FieldReader) throws(WireError) {
        var readyOnly: Bool?
        while let field = try fields.next() {
            switch field.tag {
            case .readyOnly: readyOnly = try fields.bool(field)
            default: try fields.skip(field)
            }
        }
        guard let readyOnly else { throw fields.missing(.readyOnly) }
        self.readyOnly = readyOnly
    }

    package func appendFields(to frame: inout FrameBuilder) { frame.append(.readyOnly, readyOnly) }
}

/// What a version of a model can do now.
package enum ModelState: UInt8, Sendable, CaseIterable {
    /// It answers.
    case ready = 1
    /// It is being read and compiled.
    case loading = 2
    /// It finishes its last requests.
    case unloading = 3
    /// It doesn't answer; the reason says why.
    case unavailable = 4

    /// The name in the repository extension, such as `READY`.
    package var name: String {
        switch self {
        case .ready: "READY"
        case .loading: "LOADING"
        case .unloading: "UNLOADING"
        case .unavailable: "UNAVAILABLE"
        }
    }
}

package struct RepositoryIndexReply: ColdReply {
    package static let kind = MessageKind.repositoryIndex

    /// One version of one model.
    package struct Entry: Equatable, Sendable {
        package var name: String
        package var version: UInt64
        package var state: ModelState
        /// For people; empty if there is nothing to say.
        package var reason: String

        package init(name: String, version: UInt64, state: ModelState, reason: String = "") {
            self.name = name
            self.version = version
            self.state = state
            self.reason = reason
        }
    }

    package var entries: [Entry]

    package init(entries: [Entry]) { self.entries = entries }

    package init(reading fields: inout FieldReader) throws(WireError) {
        entries = []
        while let field = try fields.next() {
            switch field.tag {
            case .indexEntry: entries.append(try Entry(decoding: field, with: fields))
            default: try fields.skip(field)
            }
        }
    }

    package func appendFields(to frame: inout FrameBuilder) {
        for entry in entries { frame.append(.indexEntry, entry.wireBytes) }
    }
}

// The value of an `index_entry` field:
//
//     u64  version
//     u8   state
//     u16  bytes of the model's name, then the name
//     u16  bytes of the reason, then the reason
extension RepositoryIndexReply.Entry {
    fileprivate var wireBytes: [UInt8] {
        var value = ValueBuilder()
        value.append(version)
        value.append(state.rawValue)
        value.append(name)
        value.append(WireText.cut(reason))
        return value.bytes
    }

    fileprivate init(
        decoding field: Field,
        with fields: borrowing FieldReader
    ) throws(WireError) {
        var value = ValueReader(field, with: fields)
        version = try value.number()
        guard version >= 1 && version <= UInt64(Int64.max) else {
            throw value.error(.valueOutOfRange, last: 8, expected: 1, found: version)
        }
        let code = try value.number(UInt8.self)
        guard let state = ModelState(rawValue: code) else {
            throw value.error(.valueOutOfRange, last: 1, expected: 4, found: code)
        }
        self.state = state
        name = try value.name()
        reason = try value.text()
        try value.finish()
    }
}

/// Asks the server to load a model, or to load it again from changed files.
package struct RepositoryModelLoadRequest: ColdRequest {
    package static let kind = MessageKind.repositoryModelLoad
    package typealias Reply = RepositoryModelLoadReply

    /// Without a selection, the versions that the server's policy chooses.
    package var model: ModelReference

    package init(model: ModelReference) { self.model = model }

    package init(reading fields: inout FieldReader) throws(WireError) {
        model = try ModelReference(reading: &fields)
    }

    package func appendFields(to frame: inout FrameBuilder) { model.appendFields(to: &frame) }
}

/// Says that the model is loaded and answers.
package struct RepositoryModelLoadReply: ColdReply {
    package static let kind = MessageKind.repositoryModelLoad

    package init() {}

    package init(reading fields: inout FieldReader) throws(WireError) { try fields.skipAll() }

    package func appendFields(to frame: inout FrameBuilder) {}
}

/// Asks the server to unload a model once its last requests are answered.
package struct RepositoryModelUnloadRequest: ColdRequest {
    package static let kind = MessageKind.repositoryModelUnload
    package typealias Reply = RepositoryModelUnloadReply

    /// Without a selection, all versions.
    package var model: ModelReference

    package init(model: ModelReference) { self.model = model }

    package init(reading fields: inout FieldReader) throws(WireError) {
        model = try ModelReference(reading: &fields)
    }

    package func appendFields(to frame: inout FrameBuilder) { model.appendFields(to: &frame) }
}

/// Says that the model takes no more requests.
package struct RepositoryModelUnloadReply: ColdReply {
    package static let kind = MessageKind.repositoryModelUnload

    package init() {}

    package init(reading fields: inout FieldReader) throws(WireError) { try fields.skipAll() }

    package func appendFields(to frame: inout FrameBuilder) {}
}
