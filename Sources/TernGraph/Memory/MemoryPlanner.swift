import TernTensor

/// Finds out which nodes have to run, which values share a buffer, and how long each buffer lives.
struct MemoryPlanner {
    /// Bytes that one or more values share.
    struct Buffer {
        /// How long it is; `nil` if that depends on the data.
        var byteCount: Int?
        /// From the step that writes it first to the last that reads it.
        var steps: ClosedRange<Int>
    }

    /// Where a value is, before offsets are known.
    enum Place {
        /// Outside the arena.
        case fixed(MemoryPlan.Location)
        /// In a buffer.
        case buffer(Int)
    }

    private let graph: Graph
    private let shapes: InferredShapes
    private let operators: OperatorSet
    private var isNeeded: [Bool]
    private var lastUses: [Int]

    /// The nodes that have something to do.
    private(set) var steps: [Int] = []
    /// The buffers.
    private(set) var buffers: [Buffer] = []
    /// Where each value is.
    private(set) var places: [Place]

    init(_ graph: Graph, shapes: InferredShapes, operators: OperatorSet) {
        self.graph = graph
        self.shapes = shapes
        self.operators = operators
        isNeeded = Array(repeating: false, count: graph.nodes.count)
        lastUses = Array(repeating: -1, count: graph.values.count)
        places = Array(repeating: .fixed(.unused), count: graph.values.count)
        for id in graph.initializers.keys { places[id.index] = .fixed(.initializer(id)) }
        for (index, port) in graph.inputs.enumerated() {
            places[port.value.index] = .fixed(.input(index))
        }
        for (index, capture) in graph.captures.enumerated() {
            places[capture.inner.index] = .fixed(.capture(index))
        }
    }

    /// Finds the nodes that have to run, and the last use of each value.
    ///
    /// It walks backwards from the outputs: a node is needed if a needed value comes from it whose
    /// content is not known already.
    mutating func findNeededNodes() {
        let end = graph.nodes.count
        for port in graph.outputs { lastUses[port.value.index] = end }
        for index in graph.nodes.indices.reversed() {
            let node = graph.nodes[index]
            let produces = node.outputs.contains { id in
                guard let id, lastUses[id.index] >= 0 else { return false }
                return shapes[id].constant == nil
            }
            guard produces else { continue }
            isNeeded[index] = true
            for id in node.usedValues { lastUses[id.index] = max(lastUses[id.index], index) }
        }
    }

    /// Gives every value a place, in the nodes' order.
    mutating func assignBuffers() {
        for (index, node) in graph.nodes.enumerated() {
            for id in node.outputs.compactMap({ $0 })
            where lastUses[id.index] >= 0 && shapes[id].constant != nil {
                places[id.index] = .fixed(.inferredConstant(id))
            }
            guard isNeeded[index] else { continue }
            let aliasing = operators.schema(of: node)?.aliasing ?? .none
            if assignView(by: node) { continue }
            steps.append(index)
            for (position, output) in node.outputs.enumerated() {
                guard let output else { continue }
                if case .fixed(.inferredConstant) = places[output.index] { continue }
                if position == 0, case .inPlace(let inputs) = aliasing,
                    let buffer = reusableBuffer(among: inputs, by: node, at: index)
                {
                    extend(buffer, to: lastUses[output.index])
                    places[output.index] = .buffer(buffer)
                    continue
                }
                // An output that nobody reads still needs a place while its node runs.
                let lastStep = max(index, lastUses[output.index])
                buffers.append(
                    Buffer(byteCount: byteCount(of: output), steps: index...lastStep)
                )
                places[output.index] = .buffer(buffers.count - 1)
            }
        }
    }

    /// The input and output of a node that only makes a view; `nil` if it has more to do.
    private func viewedValues(of node: Node) -> (source: ValueID, target: ValueID)? {
        guard case .view(let input) = operators.schema(of: node)?.aliasing ?? .none,
            node.inputs.indices.contains(input), let source = node.inputs[input],
            let target = node.outputs.first ?? nil,
            node.outputs.dropFirst().allSatisfy({ id in id.map { lastUses[$0.index] < 0 } ?? true }
            ),
            shapes[source].elementType == shapes[target].elementType
        else { return nil }
        // If only one size is known (a caller's data says which shape is wanted), whether they are
        // equal is for the node to check when it runs.
        return byteCount(of: source) == byteCount(of: target) ? (source, target) : nil
    }

    /// Lets the output of a view share its input's bytes; `false` if the node is not one.
    private mutating func assignView(by node: Node) -> Bool {
        guard let (source, target) = viewedValues(of: node) else { return false }
        if case .buffer(let buffer) = places[source.index] {
            extend(buffer, to: lastUses[target.index])
        }
        places[target.index] = places[source.index]
        return true
    }

    /// An input's buffer that the node's first output may overwrite: in the arena, as long as the
    /// output, and read by nobody after this node, nor by this node through another input.
    private func reusableBuffer(among inputs: [Int], by node: Node, at index: Int) -> Int? {
        guard let output = node.outputs.first ?? nil, let wanted = byteCount(of: output) else {
            return nil
        }
        for input in inputs where node.inputs.indices.contains(input) {
            guard let id = node.inputs[input], case .buffer(let buffer) = places[id.index],
                buffers[buffer].byteCount == wanted, buffers[buffer].steps.upperBound == index,
                shapes[id].elementType?.byteCount == shapes[output].elementType?.byteCount
            else { continue }
            // Two views of one buffer may differ in shape, so that broadcasting would read an
            // element after it was overwritten.
            let isShared = node.inputs.enumerated().contains { position, other in
                guard let other, position != input else { return false }
                if case .buffer(buffer) = places[other.index] { return other != id }
                return false
            }
            if !isShared { return buffer }
        }
        return nil
    }

    private mutating func extend(_ buffer: Int, to step: Int) {
        let steps = buffers[buffer].steps
        buffers[buffer].steps = steps.lowerBound...max(steps.upperBound, step)
    }

    private func byteCount(of id: ValueID) -> Int? {
        guard let elementType = shapes[id].elementType else { return nil }
        return shapes[id].shape?.byteCount(of: elementType)
    }
}
