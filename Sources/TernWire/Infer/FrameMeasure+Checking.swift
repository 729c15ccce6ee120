internal import TernTensor

// The rules a reader applies, applied before sending: a client learns of a mistake from the call it
// made, not from a round trip.

extension FrameMeasure {
    mutating func addName(
        _ name: String,
        for tag: FieldTag,
        limits: WireLimits
    ) throws(WireError) {
        try WireText.checkName(name, for: tag, limits: limits)
        addField(byteCount: name.utf8.count)
    }

    mutating func addWantedOutputs(_ names: [String], limits: WireLimits) throws(WireError) {
        guard names.count <= limits.wantedOutputCount else {
            throw WireError(
                .wantedOutputCountTooLarge,
                at: 0,
                field: .wantedOutput,
                expected: limits.wantedOutputCount,
                found: names.count
            )
        }
        for index in names.indices {
            try addName(names[index], for: .wantedOutput, limits: limits)
            for other in names[..<index] where other.utf8.elementsEqual(names[index].utf8) {
                throw WireError(.nameDuplicate, at: 0, field: .wantedOutput)
            }
        }
    }

    mutating func addTensors(_ tensors: [TensorOutline], limits: WireLimits) throws(WireError) {
        guard tensors.count <= limits.tensorCount else {
            throw WireError(
                .tensorCountTooLarge,
                at: 0,
                field: .tensor,
                expected: limits.tensorCount,
                found: tensors.count
            )
        }
        for index in tensors.indices {
            let tensor = tensors[index]
            try WireText.checkName(tensor.name, for: .tensor, limits: limits)
            for other in tensors[..<index] where other.name.utf8.elementsEqual(tensor.name.utf8) {
                throw WireError(.nameDuplicate, at: 0, field: .tensor)
            }
            try Self.checkSize(of: tensor, limits: limits)
            addTensor(
                nameByteCount: tensor.name.utf8.count,
                rank: tensor.shape.rank,
                payloadByteCount: tensor.payloadByteCount
            )
            // Checked each time, so that sizes cannot add up to an overflow.
            try check(limits: limits)
        }
    }

    private static func checkSize(
        of tensor: TensorOutline,
        limits: WireLimits
    ) throws(WireError) {
        guard let elementCount = tensor.shape.checkedElementCount else {
            throw WireError(.shapeOverflow, at: 0, field: .tensor, expected: Int64.max)
        }
        if tensor.elementType == .bytes {
            guard elementCount <= limits.bytesElementCount else {
                throw WireError(
                    .bytesElementCountTooLarge,
                    at: 0,
                    field: .tensor,
                    expected: limits.bytesElementCount,
                    found: elementCount
                )
            }
        } else {
            guard let byteCount = tensor.shape.byteCount(of: tensor.elementType) else {
                throw WireError(.shapeOverflow, at: 0, field: .tensor, expected: Int64.max)
            }
            guard byteCount == tensor.payloadByteCount else {
                throw WireError(
                    .payloadLengthMismatch,
                    at: 0,
                    field: .tensor,
                    expected: byteCount,
                    found: tensor.payloadByteCount
                )
            }
        }
        guard tensor.payloadByteCount <= limits.frameByteCount else {
            throw WireError(
                .frameTooLarge,
                at: 0,
                expected: limits.frameByteCount,
                found: tensor.payloadByteCount
            )
        }
    }

    /// Checks the sizes of the frame and of its fields.
    package func check(limits: WireLimits) throws(WireError) {
        guard fieldsByteCount <= limits.fieldsByteCount else {
            throw WireError(
                .fieldsTooLarge,
                at: 20,
                expected: limits.fieldsByteCount,
                found: fieldsByteCount
            )
        }
        guard byteCount <= limits.frameByteCount else {
            throw WireError(
                .frameTooLarge,
                at: 0,
                expected: limits.frameByteCount,
                found: byteCount
            )
        }
    }
}
