import TernGraph
import TernTensor

/// RoiAlign: pools regions of feature maps to one size, reading between elements.
enum RoiAlignOperator {
    static let declaration = OperatorDeclaration(
        "RoiAlign",
        versions: [10, 16, 22],
        inputs: 3...3,
        shape: { (context) throws(OperatorError) in
            for index in 0...1 { try context.requireElementType(index, in: ElementType.floats) }
            try context.requireElementType(2, in: [.int64])
            try context.requireRank(0, in: 4...4)
            try context.requireRank(1, in: 2...2)
            try context.requireRank(2, in: 1...1)
            let size = try outputSize(context.node)
            let count = context.dimensions(1)?[0] ?? context.dimensions(2)?[0] ?? .unknown
            if let columns = context.dimensions(1)?[1], columns.isKnownDifferent(from: .fixed(4)) {
                throw OperatorError("the regions have \(columns) numbers each, expected 4")
            }
            context.setOutput(
                elementType: try context.commonElementType(of: 0...1),
                dimensions: [
                    count, context.dimensions(0)?[1] ?? .unknown, .fixed(size.height),
                    .fixed(size.width),
                ]
            )
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            switch try context.input(0).elementType {
            case .fp64: try RegionPooling<Double>(context).kernel()
            default: try RegionPooling<Float>(context).kernel()
            }
        }
    )

    /// How large every region becomes.
    static func outputSize(_ node: Node) throws(OperatorError) -> (height: Int, width: Int) {
        let height = try node.int("output_height", default: 1)
        let width = try node.int("output_width", default: 1)
        guard height >= 1, width >= 1 else {
            throw OperatorError("regions of \(height)x\(width) are wanted, expected 1 or more")
        }
        return (height, width)
    }
}

/// Pools regions; see ``RoiAlignOperator``.
private struct RegionPooling<Real: RealElement>: Sendable {
    private let image: Shape
    private let regionCount: Int
    private let height: Int
    private let width: Int
    private let samplingRatio: Int
    private let scale: Real
    private let isMaximum: Bool
    private let offset: Real

    /// One of the places that a bin is read at: four elements and their weights.
    private struct Sample {
        var places = InlineArray<4, Int>(repeating: 0)
        var weights = InlineArray<4, Real>(repeating: 0)
    }

    init(_ context: NodeContext) throws(OperatorError) {
        let node = context.node
        image = try context.input(0).shape
        regionCount = try context.input(1).shape[0]
        (height, width) = try RoiAlignOperator.outputSize(node)
        samplingRatio = try node.int("sampling_ratio", default: 0)
        scale = Real(try node.float("spatial_scale", default: 1))
        let mode = try node.string("mode", default: "avg")
        guard mode == "avg" || mode == "max" else {
            throw OperatorError("mode is \"\(mode)\", expected avg or max")
        }
        isMaximum = mode == "max"
        let coordinates = try node.string(
            "coordinate_transformation_mode",
            default: context.version < 16 ? "output_half_pixel" : "half_pixel"
        )
        guard coordinates == "half_pixel" || coordinates == "output_half_pixel" else {
            throw OperatorError(
                "coordinate_transformation_mode is \"\(coordinates)\", expected half_pixel or "
                    + "output_half_pixel"
            )
        }
        offset = coordinates == "half_pixel" ? 0.5 : 0
        guard samplingRatio >= 0, samplingRatio <= 1 << 16 else {
            throw OperatorError("sampling_ratio is \(samplingRatio), expected 0 to \(1 << 16)")
        }
        guard try context.input(2).shape == [regionCount] else {
            throw OperatorError(
                "\(try context.input(2).shape) batch indices are given for \(regionCount) regions"
            )
        }
        guard try context.output().elementCount == 0 || image.elementCount > 0 else {
            throw OperatorError("an image of \(image) has no elements to pool")
        }
    }

    func kernel() -> Kernel {
        let pooling = self
        return Kernel { (frame) throws(OperatorError) in
            for region in 0..<pooling.regionCount { try pooling.pool(frame, region) }
        }
    }

    private func pool(_ frame: borrowing KernelFrame, _ region: Int) throws(OperatorError) {
        let numbers = frame.elements(ofInput: 1, as: Real.self)
        let entry = try GatherOperators.position(
            frame.integer(ofInput: 2, at: region, elementType: .int64),
            size: image[0],
            axis: 0
        )
        func number(_ index: Int) -> Real { numbers[region * 4 + index] * scale - offset }
        let (left, top) = (number(0), number(1))
        var (extentX, extentY) = (number(2) - left, number(3) - top)
        if offset == 0 { (extentX, extentY) = (max(extentX, 1), max(extentY, 1)) }
        guard extentX.magnitude < 0x1p24, extentY.magnitude < 0x1p24 else {
            throw OperatorError("region \(region) is far outside the image")
        }
        let (binX, binY) = (extentX / Real(width), extentY / Real(height))
        let countX = samplingRatio > 0 ? samplingRatio : max(0, Int(binX.rounded(.up)))
        let countY = samplingRatio > 0 ? samplingRatio : max(0, Int(binY.rounded(.up)))
        let source = frame.elements(ofInput: 0, as: Real.self)
        var target = frame.mutableElements(ofOutput: 0, as: Real.self)
        let channels = image[1]
        for place in 0..<(height * width) {
            let (row, column) = place.quotientAndRemainder(dividingBy: width)
            for channel in 0..<channels {
                let start = (entry * channels + channel) * image[2] * image[3]
                var total: Real = 0
                var largest: Real?
                for step in 0..<(countY * countX) {
                    let (stepY, stepX) = step.quotientAndRemainder(dividingBy: countX)
                    let sample = sample(
                        top + Real(row) * binY + (Real(stepY) + 0.5) * binY / Real(countY),
                        left + Real(column) * binX + (Real(stepX) + 0.5) * binX / Real(countX)
                    )
                    for corner in 0..<4 {
                        let value = sample.weights[corner] * source[start + sample.places[corner]]
                        total += value
                        largest = largest.map { max($0, value) } ?? value
                    }
                }
                let index = ((region * channels + channel) * height + row) * width + column
                target[index] =
                    isMaximum ? largest ?? 0 : total / Real(max(countX * countY, 1))
            }
        }
    }

    /// The elements around a place; nothing counts more than one element outside the image.
    private func sample(_ y: Real, _ x: Real) -> Sample {
        let (rows, columns) = (image[2], image[3])
        var sample = Sample()
        guard y >= -1, y <= Real(rows), x >= -1, x <= Real(columns) else { return sample }
        let (top, restY) = Self.split(max(y, 0), rows)
        let (left, restX) = Self.split(max(x, 0), columns)
        let (bottom, right) = (min(top + 1, rows - 1), min(left + 1, columns - 1))
        sample.places[0] = top * columns + left
        sample.places[1] = top * columns + right
        sample.places[2] = bottom * columns + left
        sample.places[3] = bottom * columns + right
        sample.weights[0] = (1 - restY) * (1 - restX)
        sample.weights[1] = (1 - restY) * restX
        sample.weights[2] = restY * (1 - restX)
        sample.weights[3] = restY * restX
        return sample
    }

    /// The element before a coordinate, and how far behind it the coordinate lies.
    private static func split(_ coordinate: Real, _ size: Int) -> (place: Int, rest: Real) {
        let place = Int(coordinate)
        return place >= size - 1 ? (size - 1, 0) : (place, coordinate - Real(place))
    }
}
