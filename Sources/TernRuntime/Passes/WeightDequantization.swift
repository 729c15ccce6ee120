package import TernGraph
import TernTensor

/// Lets a product dequantise its weight itself: MatMul with a DequantizeLinear of known bytes becomes
/// MatMulNBits of com.microsoft, with a bias that follows.
///
/// There may be one scale, one for each column, or one for each block of a column whose length is a multiple of
/// 32. The kernel expands the weight when it is packed, so that the numbers are what constant folding would have
/// made. ``CompiledModel/optionalPasses`` says why it isn't run unless it is asked for.
///
/// The pass needs no shapes, and must come before weights are dequantised by constant folding.
package struct WeightDequantization: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "weight dequantization" }

    /// Replaces every such product.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var replaced = 0
        for index in uses.nodes.indices {
            guard let product = uses.nodes[index], product.isStandard("MatMul"),
                let source = uses.producer(of: product.inputs[1], named: "DequantizeLinear"),
                let weight = BlockedWeight(source.node, graph), let output = product.outputs[0]
            else { continue }
            var node = Node(
                name: product.name,
                domain: "com.microsoft",
                operatorName: "MatMulNBits",
                operatorSetVersion: 1,
                operatorVersion: 1,
                attributes: [
                    "K": .int(weight.depth), "N": .int(weight.columnCount), "bits": .int(8),
                    "block_size": .int(weight.blockSize),
                ],
                inputs: [product.inputs[0]] + weight.addOperands(to: &graph),
                outputs: [output]
            )
            var last = index
            if let sum = uses.onlyReader(of: output, named: "Add"),
                let bias = sum.node.operand(besides: output),
                graph.initializers[bias]?.shape == [weight.columnCount],
                graph.initializers[bias]?.elementType == .fp32
            {
                node.inputs += [nil, bias]
                node.outputs = sum.node.outputs
                last = sum.index
                uses.remove(at: index)
            }
            uses.replace(at: last, by: node)
            replaced += 1
        }
        graph.adopt(uses)
        return replaced
    }
}

/// A known weight of bytes with its scales, column by column.
private struct BlockedWeight {
    let depth: Int
    let columnCount: Int
    let blockSize: Int
    private let codes: Tensor
    private let scales: [Float]
    private let zeros: [Int]
    /// How far apart the scales of a column's blocks are, and those of neighbouring columns.
    private let strides: (block: Int, column: Int)

    /// `nil` if a DequantizeLinear does anything else.
    init?(_ node: Node, _ graph: Graph) {
        guard let source = node.inputs[0], let codes = graph.initializers[source],
            QuantizationOperators.bytes.contains(codes.elementType), codes.shape.rank == 2,
            codes.shape[0] > 0, codes.shape[1] > 0,
            let scale = node.inputs[1], let scales = graph.floats(scale),
            let shape = graph.initializers[scale]?.shape,
            case .int(let given) = node.attributes["axis"] ?? .int(1)
        else { return nil }
        self.codes = codes
        self.scales = scales
        (depth, columnCount) = (codes.shape[0], codes.shape[1])
        let axis = given < 0 ? given + 2 : given
        var size = 0
        if case .int(let blockSize)? = node.attributes["block_size"] { size = blockSize }
        if size > 0 {
            let count = (depth + size - 1) / size
            guard axis == 0, size.isMultiple(of: 32), shape == [count, columnCount] else {
                return nil
            }
            blockSize = size
            strides = (columnCount, 1)
        } else {
            guard scales.count == 1 && shape.rank <= 1 || shape == [columnCount] && axis == 1
            else { return nil }
            blockSize = (depth + 31) / 32 * 32
            strides = (0, scales.count == 1 ? 0 : 1)
        }
        if node.inputs.count > 2, let zero = node.inputs[2] {
            guard let tensor = graph.initializers[zero], tensor.elementType == codes.elementType,
                tensor.shape == shape, let known = tensor.integerElements
            else { return nil }
            zeros = known
        } else {
            zeros = Array(repeating: 0, count: scales.count)
        }
    }

    /// Adds the codes, the scales and the zero points as MatMulNBits takes them.
    func addOperands(to graph: inout Graph) -> [ValueID?] {
        let blockCount = (depth + blockSize - 1) / blockSize
        let bytes = codes.elements(as: UInt8.self)
        // Signed bytes count from -128 there.
        let offset: UInt8 = codes.elementType == .int8 ? 128 : 0
        var columns: [UInt8] = []
        var (factors, points): ([Float], [UInt8]) = ([], [])
        columns.reserveCapacity(columnCount * blockCount * blockSize)
        for column in 0..<columnCount {
            for block in 0..<blockCount {
                let place = block * strides.block + column * strides.column
                factors.append(scales[place])
                points.append(UInt8(truncatingIfNeeded: zeros[place]) &+ offset)
            }
            for row in 0..<blockCount * blockSize {
                columns.append(row < depth ? bytes[row * columnCount + column] &+ offset : 0)
            }
        }
        func add(_ name: String, _ tensor: Tensor) -> ValueID {
            graph.addInitializer(name: graph.unusedName(near: name), tensor)
        }
        return [
            add(
                "codes",
                Tensor(
                    elementType: .uint8,
                    shape: [columnCount, blockCount, blockSize],
                    values: columns
                )
            ),
            add(
                "scales",
                Tensor(elementType: .fp32, shape: [columnCount * blockCount], values: factors)
            ),
            add(
                "zero_points",
                Tensor(elementType: .uint8, shape: [columnCount * blockCount], values: points)
            ),
        ]
    }
}
