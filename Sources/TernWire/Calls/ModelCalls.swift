package import TernTensor

/// Asks whether a model answers inference requests.
package struct ModelReadyRequest: ColdRequest {
    package static let kind = MessageKind.modelReady
    package typealias Reply = ModelReadyReply

    package var model: ModelReference

    package init(model: ModelReference) { self.model = model }

    package init(reading fields: inout FieldReader) throws(WireError) {
        model = try ModelReference(reading: &fields)
    }

    package func appendFields(to frame: inout FrameBuilder) { model.appendFields(to: &frame) }
}

package struct ModelReadyReply: ColdReply {
    package static let kind = MessageKind.modelReady

    package var isReady: Bool

    package init(isReady: Bool) { self.isReady = isReady }

    package init(reading fields: inout FieldReader) throws(WireError) {
        isReady = try fields.readIsTrue()
    }

    package func appendFields(to frame: inout FrameBuilder) { frame.append(.isTrue, isReady) }
}

/// Asks what a model takes and gives.
package struct ModelMetadataRequest: ColdRequest {
    package static let kind = MessageKind.modelMetadata
    package typealias Reply = ModelMetadataReply

    package var model: ModelReference

    package init(model: ModelReference) { self.model = model }

    package init(reading fields: inout FieldReader) throws(WireError) {
        model = try ModelReference(reading: &fields)
    }

    package func appendFields(to frame: inout FrameBuilder) { model.appendFields(to: &frame) }
}

package struct ModelMetadataReply: ColdReply {
    package static let kind = MessageKind.modelMetadata

    package var name: String
    /// The version that is described.
    package var version: UInt64
    /// What the model was saved as, such as `onnx`.
    package var platform: String
    /// All versions that can be called.
    package var availableVersions: [UInt64]
    package var inputs: [TensorDescriptor]
    package var outputs: [TensorDescriptor]

    package init(
        name: String,
        version: UInt64,
        platform: String,
        availableVersions: [UInt64],
        inputs: [TensorDescriptor],
        outputs: [TensorDescriptor]
    ) {
        self.name = name
        self.version = version
        self.platform = platform
        self.availableVersions = availableVersions
        self.inputs = inputs
        self.outputs = outputs
    }

    package init(reading fields: inout FieldReader) throws(WireError) {
        var name: String?
        var version: UInt64?
        var platform: String?
        var availableVersions: [UInt64] = []
        var inputs: [TensorDescriptor] = []
        var outputs: [TensorDescriptor] = []
        while let field = try fields.next() {
            switch field.tag {
            case .modelName: name = try fields.nameString(field)
            case .modelVersion: version = try fields.modelVersion(field)
            case .platform: platform = try fields.nameString(field)
            case .availableVersion: availableVersions.append(try fields.modelVersion(field))
            case .inputDescriptor: inputs.append(try fields.tensorDescriptor(field))
            case .outputDescriptor: outputs.append(try fields.tensorDescriptor(field))
            default: try fields.skip(field)
            }
        }
        guard let name else { throw fields.missing(.modelName) }
        guard let version else { throw fields.missing(.modelVersion) }
        guard let platform else { throw fields.missing(.platform) }
        self.init(
            name: name,
            version: version,
            platform: platform,
            availableVersions: availableVersions,
            inputs: inputs,
            outputs: outputs
        )
    }

    package func appendFields(to frame: inout FrameBuilder) {
        frame.append(.modelName, name)
        frame.append(.modelVersion, version)
        frame.append(.platform, platform)
        for version in availableVersions { frame.append(.availableVersion, version) }
        for input in inputs { frame.append(.inputDescriptor, input.wireBytes) }
        for output in outputs { frame.append(.outputDescriptor, output.wireBytes) }
    }
}
