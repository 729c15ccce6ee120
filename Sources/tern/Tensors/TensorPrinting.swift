import TernTensor

extension Tensor {
    /// The elements in nested brackets, as inline JSON is written, with the middle of long axes left
    /// out.
    ///
    /// - Parameter axisLimit: How many elements of one axis are shown.
    /// - Returns: One line.
    func text(axisLimit: Int = 16) -> String {
        let elements = elementTexts
        return Self.text(of: elements[...], shape: Array(shape), axisLimit: axisLimit)
    }

    private var elementTexts: [String] {
        switch elementType {
        case .bytes: (byteStrings ?? []).map { "\"" + String(decoding: $0, as: UTF8.self) + "\"" }
        case .bool: elements(as: UInt8.self).map { $0 == 0 ? "false" : "true" }
        case .int64: elements(as: Int64.self).map(String.init)
        case .uint64: elements(as: UInt64.self).map(String.init)
        case .fp32: elements(as: Float.self).map { "\($0)" }
        case .fp64: elements(as: Double.self).map { "\($0)" }
        case .fp16, .bf16: (doubles ?? []).map { "\(Float($0))" }
        default: (doubles ?? []).map { "\(Int($0))" }
        }
    }

    private static func text(
        of elements: ArraySlice<String>,
        shape: [Int],
        axisLimit: Int
    ) -> String {
        guard let size = shape.first else { return elements.first ?? "" }
        let rest = Array(shape.dropFirst())
        let stride = rest.reduce(1, *)
        let half = axisLimit / 2
        var parts: [String] = []
        for index in 0..<size {
            if size > axisLimit, index >= half, index < size - half {
                if index == half { parts.append("…") }
                continue
            }
            let start = elements.startIndex + index * stride
            parts.append(
                text(of: elements[start..<start + stride], shape: rest, axisLimit: axisLimit)
            )
        }
        return "[" + parts.joined(separator: ", ") + "]"
    }
}
