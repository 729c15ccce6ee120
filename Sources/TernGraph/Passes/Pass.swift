/// A change of a graph that keeps what it computes.
package protocol Pass: Sendable {
    /// What the pass does, in a few words, for logs.
    var name: String { get }

    /// Changes the graph and its subgraphs.
    ///
    /// - Parameter graph: A valid graph whose operators are resolved; it is valid afterwards.
    /// - Returns: How many nodes were taken out or replaced.
    /// - Throws: ``GraphError`` if the graph cannot be right.
    @discardableResult
    func run(on graph: inout Graph) throws(GraphError) -> Int
}

extension Graph {
    /// Runs passes one after the other.
    package mutating func apply(_ passes: [any Pass]) throws(GraphError) {
        for pass in passes { try pass.run(on: &self) }
    }
}
