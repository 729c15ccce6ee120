/// A model and, perhaps, which of its versions; the first fields of the calls that name a model.
package struct ModelReference: Equatable, Sendable {
    package var name: String
    package var selection: ModelSelection

    package init(name: String, selection: ModelSelection = .automatic) {
        self.name = name
        self.selection = selection
    }

    /// Reads the fields of a message that has no others.
    init(reading fields: inout FieldReader) throws(WireError) {
        var name: String?
        var selection = ModelSelection.automatic
        while let field = try fields.next() {
            switch field.tag {
            case .modelName: name = try fields.nameString(field)
            case .modelVersion: selection = .version(try fields.modelVersion(field))
            case .modelLabel:
                guard selection == .automatic else {
                    throw WireError(.fieldConflict, at: field.value.offset, field: field.tag)
                }
                selection = .label(try fields.nameString(field))
            default: try fields.skip(field)
            }
        }
        guard let name else { throw fields.missing(.modelName) }
        self.init(name: name, selection: selection)
    }

    func appendFields(to frame: inout FrameBuilder) {
        frame.append(.modelName, name)
        switch selection {
        case .automatic: break
        case .version(let version): frame.append(.modelVersion, version)
        case .label(let label): frame.append(.modelLabel, label)
        }
    }
}
