package import TernTensor

// How shape rules and kernels read attributes: by name, with the default that the specification
// gives, and with an error that names the attribute if it is missing or of another kind.
extension Node {
    /// The whole number `name`, or `fallback` if it is not given.
    package func int(_ name: String, default fallback: Int) throws(OperatorError) -> Int {
        guard let attribute = attributes[name] else { return fallback }
        guard case .int(let value) = attribute else { throw wrong(name, "an integer", attribute) }
        return value
    }

    /// The whole number `name`, which must be given.
    package func int(_ name: String) throws(OperatorError) -> Int {
        guard attributes[name] != nil else { throw missing(name) }
        return try int(name, default: 0)
    }

    /// The number `name`, or `fallback` if it is not given.
    package func float(_ name: String, default fallback: Float) throws(OperatorError) -> Float {
        guard let attribute = attributes[name] else { return fallback }
        guard case .float(let value) = attribute else { throw wrong(name, "a float", attribute) }
        return value
    }

    /// The text `name`, or `fallback` if it is not given.
    package func string(_ name: String, default fallback: String) throws(OperatorError) -> String {
        guard let attribute = attributes[name] else { return fallback }
        guard case .string(let value) = attribute else { throw wrong(name, "a string", attribute) }
        return String(decoding: value, as: UTF8.self)
    }

    /// The whole numbers `name`; `nil` if they are not given.
    package func ints(_ name: String) throws(OperatorError) -> [Int]? {
        guard let attribute = attributes[name] else { return nil }
        guard case .ints(let values) = attribute else { throw wrong(name, "integers", attribute) }
        return values
    }

    /// The numbers `name`; `nil` if they are not given.
    package func floats(_ name: String) throws(OperatorError) -> [Float]? {
        guard let attribute = attributes[name] else { return nil }
        guard case .floats(let values) = attribute else { throw wrong(name, "floats", attribute) }
        return values
    }

    /// The byte strings `name`; `nil` if they are not given.
    package func strings(_ name: String) throws(OperatorError) -> [[UInt8]]? {
        guard let attribute = attributes[name] else { return nil }
        guard case .strings(let values) = attribute else { throw wrong(name, "strings", attribute) }
        return values
    }

    /// The tensor `name`; `nil` if it is not given.
    package func tensor(_ name: String) throws(OperatorError) -> Tensor? {
        guard let attribute = attributes[name] else { return nil }
        guard case .tensor(let value) = attribute else { throw wrong(name, "a tensor", attribute) }
        return value
    }

    /// The graph `name`, which must be given.
    package func graph(_ name: String) throws(OperatorError) -> Graph {
        guard let attribute = attributes[name] else { throw missing(name) }
        guard case .graph(let value) = attribute else { throw wrong(name, "a graph", attribute) }
        return value
    }

    private func missing(_ name: String) -> OperatorError {
        OperatorError("the attribute \(name) is missing")
    }

    private func wrong(_ name: String, _ kind: String, _ found: Attribute) -> OperatorError {
        OperatorError("the attribute \(name) must be \(kind), found \(found.kind)")
    }
}

extension Attribute {
    /// An empty list, whatever the type: files say "no numbers" in more than one way.
    package var isEmptyList: Bool {
        switch self {
        case .ints(let values): values.isEmpty
        case .floats(let values): values.isEmpty
        case .strings(let values): values.isEmpty
        case .tensors(let values): values.isEmpty
        case .graphs(let values): values.isEmpty
        case .int, .float, .string, .tensor, .graph: false
        }
    }
}
