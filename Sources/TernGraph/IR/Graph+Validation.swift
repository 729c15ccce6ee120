extension Graph {
    /// Checks what must always hold: ids exist, every value is defined once and before it is used,
    /// names are unique, inputs have types.
    ///
    /// - Throws: ``GraphError/invalid(_:)`` with everything that is wrong.
    package func validate() throws(GraphError) {
        var problems: [String] = []
        check(path: [], problems: &problems)
        guard problems.isEmpty else { throw .invalid(problems) }
    }

    private func check(path: [String], problems: inout [String]) {
        let place = path.isEmpty ? "" : " in " + path.reversed().joined(separator: " in ")
        var isDefined = Array(repeating: false, count: values.count)
        func named(_ id: ValueID) -> String {
            values.indices.contains(id.index)
                ? "\"\(GraphLocation.printable(values[id.index].name))\"" : "value \(id.index)"
        }
        func define(_ id: ValueID, by definer: String) {
            guard values.indices.contains(id.index) else {
                problems.append("\(definer) defines value \(id.index), which is not there\(place)")
                return
            }
            if isDefined[id.index] {
                problems.append("\(definer) defines \(named(id)) again\(place)")
            }
            isDefined[id.index] = true
        }
        var names = Set<String>(minimumCapacity: values.count)
        for value in values where !names.insert(value.name).inserted {
            problems.append(
                "two values are called \"\(GraphLocation.printable(value.name))\"\(place)"
            )
        }
        for id in initializers.keys.sorted() { define(id, by: "an initializer") }
        for capture in captures { define(capture.inner, by: "a capture") }
        for port in inputs {
            define(port.value, by: "an input")
            if path.isEmpty, values.indices.contains(port.value.index),
                self[port.value].elementType == nil
            {
                problems.append(
                    "the input \"\(GraphLocation.printable(port.name))\" has no element type"
                )
            }
        }
        for (index, node) in nodes.enumerated() {
            let location = GraphLocation.describe(node, at: index)
            for id in node.usedValues {
                guard values.indices.contains(id.index), isDefined[id.index] else {
                    problems.append("\(location) reads \(named(id)) before it is defined\(place)")
                    continue
                }
            }
            for (name, subgraph) in node.subgraphs {
                subgraph.check(path: path + ["\(name) of \(location)"], problems: &problems)
            }
            for id in node.outputs { if let id { define(id, by: location) } }
        }
        for port in outputs
        where !(values.indices.contains(port.value.index) && isDefined[port.value.index]) {
            problems.append(
                "the output \"\(GraphLocation.printable(port.name))\" is not defined\(place)"
            )
        }
    }
}
