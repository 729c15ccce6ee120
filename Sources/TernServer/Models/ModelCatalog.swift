internal import TernTransport

/// The current table, which readers copy and the loader replaces.
package final class ModelCatalog: Sendable {
    private let current = Locked(ModelTable())

    package init() {}

    /// The table as it is now.
    package var table: ModelTable { current.withLock { $0 } }

    /// Changes the table; readers that hold the old one keep it.
    package func update(_ change: (ModelTable) -> ModelTable) {
        current.withLock { $0 = change($0) }
    }
}
