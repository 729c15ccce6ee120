import TernTensor

/// Where every value of a graph lives while it runs, for one combination of input shapes.
///
/// The values that share bytes (views, and outputs written over an input) form one buffer, which
/// lives from the step that first writes it to the last step that reads any of them; buffers whose
/// lives do not overlap share the arena's bytes.
///
/// Step `n` is node `n`. Graph outputs live until after the last step, so that a caller can read
/// them.
package struct MemoryPlan: Sendable {
    /// Where a value's bytes are.
    package enum Location: Sendable, Hashable {
        /// In what the caller gave for this input.
        case input(Int)
        /// In the graph's initializers, under this id.
        case initializer(ValueID)
        /// In the constant that shape inference worked out for this value; see
        /// ``ValueFact/constant``.
        case inferredConstant(ValueID)
        /// In the enclosing graph's value behind this capture.
        case capture(Int)
        /// In the arena.
        case arena(offset: Int, byteCount: Int)
        /// In memory that is taken when the node runs, since the size depends on the data. Values
        /// with the same number share it.
        case dynamic(Int)
        /// Nowhere: no node needs it.
        case unused
    }

    /// The location of each value, by ``ValueID/index``.
    package let locations: [Location]
    /// The nodes that have something to do, in order: those that only make a view, or whose outputs
    /// are known already or needed by nobody, are left out.
    package let steps: [Int]
    /// The offset of each node's scratch memory in the arena, by the node's position; 0 where a
    /// node needs none.
    package let scratchOffsets: [Int]
    /// The length of each node's scratch memory, by the node's position.
    package let scratchByteCounts: [Int]
    /// How long the arena must be; it starts on a multiple of ``AlignedBuffer/alignment``.
    package let arenaByteCount: Int
    /// How many bytes all the buffers in the arena have together: what there would be without
    /// sharing.
    package let bufferByteCount: Int
    /// The most bytes that are needed at one time, scratch memory included, each buffer in whole cache
    /// lines: no layout of these buffers can do with less.
    package let liveByteCount: Int
    /// How many ``Location/dynamic(_:)`` buffers there are.
    package let dynamicCount: Int

    /// The location of a value.
    package subscript(id: ValueID) -> Location { locations[id.index] }

    /// Plans the memory of a graph.
    ///
    /// - Parameters:
    ///   - graph: The graph.
    ///   - shapes: The shapes of its values, with the callers' sizes filled in.
    ///   - operators: The operators; their ``OperatorSchema/aliasing`` is followed.
    ///   - scratchByteCount: How much scratch memory the node at a position needs.
    /// - Throws: ``GraphError/invalid(_:)`` if the memory cannot be addressed.
    package init(
        _ graph: Graph,
        shapes: InferredShapes,
        operators: OperatorSet,
        scratchByteCount: (_ nodeIndex: Int) -> Int = { _ in 0 }
    ) throws(GraphError) {
        var planner = MemoryPlanner(graph, shapes: shapes, operators: operators)
        planner.findNeededNodes()
        planner.assignBuffers()
        var requests: [ArenaLayout.Request] = []
        var requestOfBuffer: [Int: Int] = [:]
        for (index, buffer) in planner.buffers.enumerated() {
            guard let byteCount = buffer.byteCount else { continue }
            requestOfBuffer[index] = requests.count
            requests.append(.init(byteCount: byteCount, steps: buffer.steps))
        }
        var scratchRequest: [Int: Int] = [:]
        var scratchByteCounts = Array(repeating: 0, count: graph.nodes.count)
        for node in planner.steps {
            let byteCount = scratchByteCount(node)
            guard byteCount > 0 else { continue }
            scratchByteCounts[node] = byteCount
            scratchRequest[node] = requests.count
            requests.append(.init(byteCount: byteCount, steps: node...node))
        }
        guard let layout = ArenaLayout(placing: requests) else {
            throw .invalid(["the values of one call do not fit into memory"])
        }
        var scratchOffsets = Array(repeating: 0, count: graph.nodes.count)
        for (node, request) in scratchRequest { scratchOffsets[node] = layout.offsets[request] }
        var dynamicNumbers: [Int: Int] = [:]
        locations = planner.places.map { place in
            switch place {
            case .fixed(let location): return location
            case .buffer(let index):
                if let request = requestOfBuffer[index] {
                    return .arena(
                        offset: layout.offsets[request],
                        byteCount: requests[request].byteCount
                    )
                }
                let number = dynamicNumbers[index, default: dynamicNumbers.count]
                dynamicNumbers[index] = number
                return .dynamic(number)
            }
        }
        steps = planner.steps
        self.scratchOffsets = scratchOffsets
        self.scratchByteCounts = scratchByteCounts
        arenaByteCount = layout.byteCount
        bufferByteCount = requests.reduce(0) { $0 &+ $1.byteCount }
        liveByteCount = Self.liveByteCount(requests, stepCount: graph.nodes.count + 1)
        dynamicCount = dynamicNumbers.count
    }

    /// The largest sum, over the steps, of the buffers that are needed then.
    private static func liveByteCount(_ requests: [ArenaLayout.Request], stepCount: Int) -> Int {
        var changes = Array(repeating: 0, count: stepCount + 1)
        let mask = AlignedBuffer.alignment - 1
        for request in requests {
            let byteCount = (request.byteCount + mask) & ~mask
            changes[request.steps.lowerBound] += byteCount
            changes[request.steps.upperBound + 1] -= byteCount
        }
        var live = 0
        var most = 0
        for change in changes {
            live += change
            most = max(most, live)
        }
        return most
    }
}
