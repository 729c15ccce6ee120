/// Says where in a graph a node is, for messages.
package enum GraphLocation {
    /// A node by its name, or by its position if it has none: `node "conv1"`, `node 7`.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - index: Its position among the nodes of its graph.
    ///   - path: The subgraph the node stands in, from the outermost; empty for the model itself.
    /// - Returns: The description, such as `node 7 in node "choice" then_branch`.
    package static func describe(_ node: Node, at index: Int, path: [String] = []) -> String {
        let own = node.name.isEmpty ? "node \(index)" : "node \"\(printable(node.name))\""
        return ([own] + path.reversed()).joined(separator: " in ")
    }

    /// A name from a file, made fit for one line of a log: at most 200 characters, without control
    /// characters.
    package static func printable(_ name: String) -> String {
        var cleaned = String(String.UnicodeScalarView())
        var count = 0
        for scalar in name.unicodeScalars {
            guard count < 200 else { return cleaned + "…" }
            count += 1
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            cleaned.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
        }
        return cleaned
    }
}
