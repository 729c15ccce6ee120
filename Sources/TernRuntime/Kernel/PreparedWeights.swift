internal import Synchronization
package import TernGraph

/// What kernels made of a model's weights, such as packed matrices: made once, shared by all plans.
package final class PreparedWeights: Sendable {
    private struct Key: Hashable {
        let value: ValueID
        let variant: String
        let type: ObjectIdentifier
    }

    private let table = Mutex<[Key: any Sendable]>([:])

    /// Starts with nothing.
    package init() {}

    /// Finds what was made of a weight, or makes it.
    ///
    /// - Parameters:
    ///   - weight: The weight, or for what is made of a node's attributes its first output.
    ///   - variant: What is made, with whatever it depends on besides the weight.
    ///   - make: Makes it; may run more than once if several threads ask at the same time, and the
    ///     first result is kept.
    /// - Returns: What was made.
    /// - Throws: What `make` throws; nothing is kept then.
    package func value<Value: Sendable>(
        of weight: ValueID,
        variant: String,
        _ make: () throws(OperatorError) -> Value
    ) throws(OperatorError) -> Value {
        let key = Key(value: weight, variant: variant, type: ObjectIdentifier(Value.self))
        if let found = table.withLock({ $0[key] }) as? Value { return found }
        let made = try make()
        return table.withLock { table in
            if let found = table[key] as? Value { return found }
            table[key] = made
            return made
        }
    }
}
