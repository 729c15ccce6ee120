package import TernGraph
package import TernKernels
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

    private let lent: LentPanels

    /// Starts with nothing made.
    ///
    /// - Parameter lent: Weights that are packed already, for the kernels that will read them.
    package init(lent: [PreparedPanels] = []) {
        self.lent = LentPanels(lent)
    }

    /// Finds what was made of a weight, or makes it.
    ///
    /// - Parameters:
    ///   - source: What it is made of.
    ///   - variant: What is made, with whatever it depends on besides the weight.
    ///   - make: Makes it; may run more than once if several threads ask at the same time, and the
    ///     first result is kept.
    /// - Returns: What was made.
    /// - Throws: What `make` throws, or that the weight's memory was given back; nothing is kept then.
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
        guard storage?.isReleased != true else {
            throw OperatorError("a weight whose memory was given back is wanted as '\(variant)'")
        }
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

    /// Finds a weight in packed form, or packs it, or takes it as it was lent.
    ///
    /// - Parameters:
    ///   - weight: The weight.
    ///   - variant: How it is packed; the same words in every process.
    ///   - make: Packs it into the memory it is given, as ``value(of:variant:_:)`` says.
    /// - Returns: What was packed.
    /// - Throws: What `make` throws; nothing is kept then.
    package func packed<Value: PackedWeights>(
        _ weight: Tensor,
        variant: String,
        _ make: (PanelMemory) throws(OperatorError) -> Value
    ) throws(OperatorError) -> Value {
        try value(of: .weight(weight), variant: variant) { () throws(OperatorError) in
            try make(lent.memory(for: weight.storage, variant: variant, kind: Value.kind))
        }
    }

    /// All weights that are packed, in no order.
    package var panels: [PreparedPanels] {
        table.withLock { table in
            table.compactMap { key, entry in
                guard let weight = entry.storage, let packed = entry.value as? any PackedWeights
                else { return nil }
                return PreparedPanels(
                    weight: weight,
                    variant: key.variant,
                    kind: type(of: packed).kind,
                    memory: packed.panelMemory
                )
            }
        }
    }
}
