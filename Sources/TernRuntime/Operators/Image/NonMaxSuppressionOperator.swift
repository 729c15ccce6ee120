import TernGraph
import TernTensor

/// NonMaxSuppression: the boxes with the highest scores, without those that overlap a better one.
///
/// How many there are depends on the data: the node is made ready when the data is there.
enum NonMaxSuppressionOperator {
    static let declaration = OperatorDeclaration(
        "NonMaxSuppression",
        versions: [10, 11],
        inputs: 2...5,
        parameterInputs: [0, 1, 2, 3, 4],
        shape: { (context) throws(OperatorError) in
            for index in [0, 1, 3, 4] { try context.requireElementType(index, in: [.fp32]) }
            try context.requireElementType(2, in: [.int64])
            try context.requireRank(0, in: 3...3)
            try context.requireRank(1, in: 3...3)
            var inputs: [Tensor?] = []
            for index in 0..<5 {
                let constant = context.constant(index)
                guard constant != nil || !context.hasInput(index) else {
                    context.setOutput(elementType: .int64, dimensions: [.unknown, .fixed(3)])
                    return
                }
                inputs.append(constant)
            }
            let chosen = try BoxSelection(context.node, inputs).chosen()
            context.setOutput(
                elementType: .int64,
                dimensions: [.fixed(chosen.count / 3), .fixed(3)]
            )
        },
        kernel: { (context) throws(OperatorError) in
            let inputs = (0..<5).map { index in
                context.hasInput(index) ? context.inputs[index]?.constant : nil
            }
            let chosen = try BoxSelection(context.node, inputs).chosen()
            return Kernel { (frame) throws(OperatorError) in
                var target = frame.mutableElements(ofOutput: 0, as: Int64.self)
                for index in target.indices { target[index] = Int64(chosen[index]) }
            }
        }
    )
}

/// The choice among the boxes of one call.
private struct BoxSelection {
    private let boxes: [Float]
    private let scores: [Float]
    private let batch: Int
    private let classes: Int
    private let count: Int
    private let limit: Int
    private let overlapLimit: Float
    private let scoreLimit: Float?
    private let isCentered: Bool

    /// A box by its edges.
    private struct Box {
        let left: Float
        let right: Float
        let top: Float
        let bottom: Float

        var area: Float { (right - left) * (bottom - top) }
    }

    init(_ node: Node, _ inputs: [Tensor?]) throws(OperatorError) {
        guard let boxTensor = inputs[0], let scoreTensor = inputs[1] else {
            throw OperatorError("the boxes and scores must be known")
        }
        (batch, classes, count) = (
            scoreTensor.shape[0], scoreTensor.shape[1], scoreTensor.shape[2]
        )
        guard boxTensor.shape == [batch, count, 4] else {
            throw OperatorError(
                "the boxes are \(boxTensor.shape), expected [\(batch), \(count), 4] for scores of "
                    + "\(scoreTensor.shape)"
            )
        }
        boxes = boxTensor.elements(as: Float.self)
        scores = scoreTensor.elements(as: Float.self)
        limit = inputs[2]?.integerElements?.first ?? 0
        overlapLimit = inputs[3]?.elements(as: Float.self).first ?? 0
        scoreLimit = inputs[4]?.elements(as: Float.self).first
        let center = try node.int("center_point_box", default: 0)
        guard center == 0 || center == 1 else {
            throw OperatorError("center_point_box is \(center), expected 0 or 1")
        }
        isCentered = center == 1
    }

    /// Batch entry, class and box of each chosen box, one after the other.
    func chosen() -> [Int] {
        var result: [Int] = []
        guard limit > 0 else { return result }
        for entry in 0..<batch {
            for category in 0..<classes {
                let start = (entry * classes + category) * count
                let candidates = (0..<count)
                    .filter { index in scoreLimit.map { scores[start + index] > $0 } ?? true }
                    .sorted { a, b in
                        let (left, right) = (scores[start + a], scores[start + b])
                        return left > right || (left == right && a < b)
                    }
                var kept: [Box] = []
                for index in candidates {
                    guard kept.count < limit else { break }
                    let box = box(entry, index)
                    guard !kept.contains(where: { overlap($0, box) > overlapLimit }) else {
                        continue
                    }
                    kept.append(box)
                    result += [entry, category, index]
                }
            }
        }
        return result
    }

    private func box(_ entry: Int, _ index: Int) -> Box {
        let start = (entry * count + index) * 4
        let (a, b, c, d) = (
            boxes[start], boxes[start + 1], boxes[start + 2], boxes[start + 3]
        )
        if isCentered {
            return Box(
                left: a - c / 2,
                right: a + c / 2,
                top: b - d / 2,
                bottom: b + d / 2
            )
        }
        // Two opposite corners, in any order.
        return Box(left: min(b, d), right: max(b, d), top: min(a, c), bottom: max(a, c))
    }

    /// The share of the boxes' union that both cover.
    private func overlap(_ a: Box, _ b: Box) -> Float {
        let width = min(a.right, b.right) - max(a.left, b.left)
        let height = min(a.bottom, b.bottom) - max(a.top, b.top)
        guard width > 0, height > 0, a.area > 0, b.area > 0 else { return 0 }
        return width * height / (a.area + b.area - width * height)
    }
}
