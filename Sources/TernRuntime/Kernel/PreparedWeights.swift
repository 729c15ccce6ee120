package import TernGraph
package import TernTensor

/// What kernels made of a model's weights, such as packed matrices: made once, shared by all plans.
package final class PreparedWeights: Sendable {
    /// What something was made of.
    package enum Source: Sendable {
        /// A weight.
        case weight(Tensor)
        /// The attributes of the node with this ``Node/identity``.
        case attributes(Int)
    }

    private struct Key: Hashable {
        let storage: ObjectIdentifier?
        let node: Int
        let variant: String
        let type: ObjectIdentifier
    }

    private struct Entry: Sendable {
        /// Keeps the weight's memory, so that no other takes over its identity.
        let storage: AlignedBuffer?
        let value: any Sendable
    }

    private let table = Guarded<[Key: Entry]>([:])

    /// Starts with nothing.
    package init() {}

    /// Finds what was made of a weight, or makes it.
    ///
    /// - Parameters:
    ///   - source: What it is made of.
    ///   - variant: What is made, with whatever it depends on besides the weight.
    ///   - make: Makes it; may run more than once if several threads ask at the same time, and the
    ///     first result is kept.
    /// - Returns: What was made.
    /// - Throws: What `make` throws; nothing is kept then.
    package func value<Value: Sendable>(
        of source: Source,
        variant: String,
        _ make: () throws(OperatorError) -> Value
    ) throws(OperatorError) -> Value {
        var storage: AlignedBuffer?
        var node = 0
        switch source {
        case .weight(let tensor): storage = tensor.storage
        case .attributes(let identity): node = identity
        }
        let key = Key(
            storage: storage.map { ObjectIdentifier($0) },
            node: node,
            variant: variant,
            type: ObjectIdentifier(Value.self)
        )
        // In two steps: `as?` takes nothing for an optional that is there and holds nothing.
        if let kept = table.withLock({ $0[key] }), let found = kept.value as? Value { return found }
        let entry = Entry(storage: storage, value: try make())
        return try table.withLock { (table) throws(OperatorError) in
            let kept = table[key] ?? entry
            table[key] = kept
            guard let value = kept.value as? Value else {
                preconditionFailure("what was prepared is of another type than its key says")
            }
            return value
        }
    }
}
