import ArgumentParser
import Foundation
import TernGraph

/// How a graph is written for people or for programs that draw.
enum GraphFormat: String, ExpressibleByArgument, CaseIterable {
    /// A line for each node.
    case text
    /// The DOT language of Graphviz.
    case dot

    /// What a file's name asks for.
    static func suffix(of path: String) -> GraphFormat {
        path.hasSuffix(".dot") || path.hasSuffix(".gv") ? .dot : .text
    }

    /// Writes a graph.
    ///
    /// - Parameters:
    ///   - graph: The graph.
    ///   - path: The file, which is replaced if it is there; `-` for standard output.
    /// - Throws: ``Failure`` if the file cannot be written.
    func write(_ graph: Graph, to path: String) throws {
        let text =
            switch self {
            case .text: GraphListing(graph).description
            case .dot: GraphDrawing(graph).description
            }
        guard path != "-" else {
            writeLine(String(text.dropLast()))
            return
        }
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw Failure(.cannotCreate, "\(path): \(error.localizedDescription)")
        }
    }
}
