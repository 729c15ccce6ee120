import TernGraph

/// One call of a function as the nodes that it stands for.
///
/// The function's own names get its name and the call's number in front, so that no two calls share
/// any; its inputs and outputs get the names that the call has for them. Attributes that refer to
/// those of the function are taken from the call, or have the function's defaults, or are left out.
struct FunctionExpansion {
    private let function: ONNXFunctionProto
    private let prefix: String
    private var names: [String: String] = [:]
    private var attributes: [String: ONNXAttributeProto] = [:]
    /// Outputs that are inputs: (the call's input, the call's output).
    private var copies: [(from: String, to: String)] = []

    /// Puts a call and its function together.
    ///
    /// - Parameters:
    ///   - function: The function.
    ///   - call: The node that calls it.
    ///   - number: Tells the call from others.
    /// - Throws: ``ONNXError/invalid(_:)`` if the call does not fit.
    init(
        of function: ONNXFunctionProto,
        called call: ONNXNodeProto,
        number: Int
    ) throws(ONNXError) {
        self.function = function
        prefix = "\(GraphLocation.printable(function.name))@\(number)/"
        guard call.input.count <= function.input.count,
            call.output.count <= function.output.count
        else {
            throw .invalid([
                "the function takes \(function.input.count) inputs and gives "
                    + "\(function.output.count) outputs, the call has \(call.input.count) and "
                    + "\(call.output.count)"
            ])
        }
        for (index, name) in function.input.enumerated() {
            let given = index < call.input.count ? call.input[index] : ""
            guard !name.isEmpty, names.updateValue(given, forKey: name) == nil else {
                throw .invalid(["input \(index) of the function has no name, or that of another"])
            }
        }
        for (index, name) in function.output.enumerated() where index < call.output.count {
            let wanted = call.output[index]
            guard !wanted.isEmpty else { continue }
            if let source = names[name] {
                copies.append((source, wanted))
            } else {
                names[name] = wanted
            }
        }
        for attribute in function.attributeProto { attributes[attribute.name] = attribute }
        for attribute in call.attribute { attributes[attribute.name] = attribute }
    }

    /// The nodes, in the function's order.
    func nodes() -> [ONNXNodeProto] {
        var nodes = function.node.map { renaming($0) }
        for (index, copy) in copies.enumerated() {
            var node = ONNXNodeProto()
            node.name = "\(prefix)output \(index)"
            node.opType = "Identity"
            node.input = [copy.from]
            node.output = [copy.to]
            nodes.append(node)
        }
        return nodes
    }

    private func renaming(_ name: String) -> String {
        name.isEmpty ? "" : names[name] ?? prefix + name
    }

    private func renaming(_ node: ONNXNodeProto) -> ONNXNodeProto {
        var node = node
        if !node.name.isEmpty { node.name = prefix + node.name }
        node.input = node.input.map(renaming)
        node.output = node.output.map(renaming)
        node.attribute = node.attribute.compactMap(replacing)
        return node
    }

    /// An attribute as the call has it; `nil` if neither call nor function gives it a value.
    private func replacing(_ attribute: ONNXAttributeProto) -> ONNXAttributeProto? {
        guard attribute.refAttrName.isEmpty else {
            guard var given = attributes[attribute.refAttrName] else { return nil }
            given.name = attribute.name
            return given
        }
        var attribute = attribute
        if attribute.hasG { attribute.g = renaming(attribute.g) }
        attribute.graphs = attribute.graphs.map { renaming($0) }
        return attribute
    }

    private func renaming(_ graph: ONNXGraphProto) -> ONNXGraphProto {
        var graph = graph
        graph.node = graph.node.map { renaming($0) }
        for index in graph.input.indices {
            graph.input[index].name = renaming(graph.input[index].name)
        }
        for index in graph.output.indices {
            graph.output[index].name = renaming(graph.output[index].name)
        }
        for index in graph.valueInfo.indices {
            graph.valueInfo[index].name = renaming(graph.valueInfo[index].name)
        }
        for index in graph.initializer.indices {
            graph.initializer[index].name = renaming(graph.initializer[index].name)
        }
        return graph
    }
}
