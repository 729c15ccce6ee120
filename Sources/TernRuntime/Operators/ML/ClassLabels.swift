import TernGraph
import TernTensor

/// The labels that a classifier gives its classes: whole numbers, or strings.
///
/// Kernels give out numbers. A classifier with strings runs with the classes' positions for labels,
/// and the strings are looked up afterwards; see ``evaluation(integers:)``.
struct ClassLabels: Sendable {
    private let labels: [Int64]
    /// The strings, if that is what they are.
    let strings: [[UInt8]]?

    /// Reads them.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - integers: The attribute with the labels; its counterpart is `classlabels_strings`.
    /// - Throws: ``OperatorError`` if there are none.
    init(_ node: Node, integers: String) throws(OperatorError) {
        if let strings = try node.strings("classlabels_strings"), !strings.isEmpty {
            self.strings = strings
            labels = strings.indices.map { Int64($0) }
            return
        }
        strings = nil
        let given = try node.ints(integers) ?? []
        guard !given.isEmpty else { throw OperatorError("the attribute \(integers) is missing") }
        labels = given.map { Int64($0) }
    }

    /// How many classes there are.
    var count: Int { labels.count }

    /// The type of the labels that callers see.
    var elementType: ElementType { strings == nil ? .int64 : .bytes }

    /// The label of a class; its position if labels are strings.
    subscript(index: Int) -> Int64 { labels[index] }

    /// Runs a classifier on tensors, with strings for labels if it has some.
    ///
    /// - Parameter integers: As for ``init(_:integers:)``.
    /// - Returns: What computes the node's outputs.
    static func evaluation(integers: String) -> OperatorDeclaration.Evaluation {
        { (context) throws(OperatorError) in
            let labels = try ClassLabels(context.node, integers: integers)
            var node = context.node
            node.attributes["classlabels_strings"] = nil
            node.attributes[integers] = .ints((0..<labels.count).map { Int(labels[$0]) })
            var outputs = try context.environment.runKernel(of: node, inputs: context.inputs)
            if let strings = labels.strings, let positions = outputs.first ?? nil {
                outputs[0] = Tensor(
                    shape: positions.shape,
                    byteStrings: positions.elements(as: Int64.self).map { strings[Int($0)] }
                )
            }
            return outputs
        }
    }
}
