import TernGraph
import TernTensor

/// GridSample: reads an image at places that a grid names, from -1 at one edge to 1 at the other.
enum GridSampleOperator {
    static let declaration = OperatorDeclaration(
        "GridSample",
        versions: [16, 20, 22],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            for index in 0...1 { try context.requireElementType(index, in: ElementType.floats) }
            let type = try context.commonElementType(of: 0...1)
            try context.requireRank(0, in: 3...Shape.maximumRank)
            _ = try Attributes(context.node)
            guard let image = context.dimensions(0), let grid = context.dimensions(1) else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            guard grid.count == image.count, !grid[0].isKnownDifferent(from: image[0]),
                !grid[grid.count - 1].isKnownDifferent(from: .fixed(image.count - 2))
            else {
                throw OperatorError(
                    "a grid of \(ShapeInferenceContext.text(grid)) does not fit an image of "
                        + ShapeInferenceContext.text(image)
                )
            }
            context.setOutput(
                elementType: type,
                dimensions: Array(image[..<2]) + grid.dropFirst().dropLast()
            )
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            switch try context.input(0).elementType {
            case .fp64: try GridSampler<Double>(context).kernel()
            default: try GridSampler<Float>(context).kernel()
            }
        }
    )

    /// How elements are made of their neighbours.
    enum Mode {
        case nearest, linear, cubic
    }

    /// What lies outside the image.
    enum Padding: String {
        case zeros, border, reflection
    }

    /// What the attributes say.
    struct Attributes {
        let mode: Mode
        let padding: Padding
        let alignsCorners: Bool

        init(_ node: Node) throws(OperatorError) {
            let name = try node.string("mode", default: "linear")
            switch name {
            case "nearest": mode = .nearest
            // Version 16 has the names for two axes.
            case "linear", "bilinear": mode = .linear
            case "cubic", "bicubic": mode = .cubic
            default:
                throw OperatorError("mode is \"\(name)\", expected linear, nearest or cubic")
            }
            let paddingName = try node.string("padding_mode", default: "zeros")
            guard let padding = Padding(rawValue: paddingName) else {
                throw OperatorError(
                    "padding_mode is \"\(paddingName)\", expected zeros, border or reflection"
                )
            }
            self.padding = padding
            alignsCorners = try node.int("align_corners", default: 0) != 0
        }
    }
}

/// Samples images of any number of axes.
private struct GridSampler<Real: RealElement>: Sendable {
    private let mode: GridSampleOperator.Mode
    private let padding: GridSampleOperator.Padding
    private let alignsCorners: Bool
    private let batch: Int
    private let channels: Int
    private let sizes: [Int]
    private let strides: [Int]
    private let pointCount: Int

    /// One neighbour of a coordinate along an axis.
    private struct Tap {
        /// `nil` outside the image.
        var place: Int?
        var weight: Real
    }

    init(_ context: NodeContext) throws(OperatorError) {
        let attributes = try GridSampleOperator.Attributes(context.node)
        (mode, padding, alignsCorners) = (
            attributes.mode, attributes.padding, attributes.alignsCorners
        )
        let (image, grid) = (try context.input(0).shape, try context.input(1).shape)
        (batch, channels) = (image[0], image[1])
        sizes = Array(image.dropFirst(2))
        strides = Shape(sizes).strides
        pointCount = grid.dropFirst().dropLast().reduce(1, *)
        guard grid[0] == batch, grid.last == sizes.count else {
            throw OperatorError("a grid of \(grid) does not fit an image of \(image)")
        }
        guard try context.output().elementCount == 0 || sizes.allSatisfy({ $0 > 0 }) else {
            throw OperatorError("an image of \(image) has no elements to sample")
        }
    }

    func kernel() -> Kernel {
        let sampler = self
        return Kernel { (frame) throws(OperatorError) in
            let image = frame.elements(ofInput: 0, as: Real.self)
            let grid = frame.elements(ofInput: 1, as: Real.self)
            var target = frame.mutableElements(ofOutput: 0, as: Real.self)
            let planeSize = sampler.sizes.reduce(1, *)
            let rank = sampler.sizes.count
            for entry in 0..<sampler.batch {
                for point in 0..<sampler.pointCount {
                    var taps = InlineArray<6, InlineArray<4, Tap>>(
                        repeating: InlineArray(repeating: Tap(place: nil, weight: 0))
                    )
                    for axis in 0..<rank {
                        // The grid names the innermost axis first.
                        let place = (entry * sampler.pointCount + point) * rank + rank - 1 - axis
                        taps[axis] = sampler.taps(grid[place], sampler.sizes[axis])
                    }
                    for channel in 0..<sampler.channels {
                        let plane = entry * sampler.channels + channel
                        target[plane * sampler.pointCount + point] = sampler.sample(
                            image,
                            plane * planeSize,
                            taps,
                            axis: 0
                        )
                    }
                }
            }
        }
    }

    private var tapCount: Int {
        switch mode {
        case .nearest: 1
        case .linear: 2
        case .cubic: 4
        }
    }

    /// Weighs the neighbours along `axis` and all axes after it.
    private func sample(
        _ image: Span<Real>,
        _ start: Int,
        _ taps: InlineArray<6, InlineArray<4, Tap>>,
        axis: Int
    ) -> Real {
        guard axis < sizes.count else { return image[start] }
        var total: Real = 0
        for tap in 0..<tapCount {
            let tap = taps[axis][tap]
            guard let place = tap.place, tap.weight != 0 else { continue }
            total +=
                tap.weight * sample(image, start + place * strides[axis], taps, axis: axis + 1)
        }
        return total
    }

    /// The neighbours of a coordinate along an axis of the given size.
    private func taps(_ normalized: Real, _ size: Int) -> InlineArray<4, Tap> {
        let length = Real(size)
        var x =
            alignsCorners
            ? (normalized + 1) / 2 * (length - 1) : ((normalized + 1) * length - 1) / 2
        if mode == .nearest { x = x.rounded(.toNearestOrEven) }
        let low: Real = alignsCorners ? 0 : -0.5
        let high: Real = alignsCorners ? length - 1 : length - 0.5
        if x < low || x > high {
            switch padding {
            case .zeros: break
            case .border: x = min(max(x, 0), length - 1)
            case .reflection: x = reflected(x, low, high)
            }
        }
        var taps = InlineArray<4, Tap>(repeating: Tap(place: nil, weight: 0))
        // What is not a number, or too far away to count, sees nothing.
        guard x.magnitude < 0x1p31 else { return taps }
        let base = x.rounded(.down)
        let rest = x - base
        let first = mode == .cubic ? -1 : 0
        for index in 0..<tapCount {
            let offset = first + index
            taps[index] = Tap(
                place: place(Int(base) + offset, size, low, high),
                weight: mode == .nearest ? 1 : weight(Real(offset) - rest)
            )
        }
        return taps
    }

    private func weight(_ offset: Real) -> Real {
        let x = offset.magnitude
        guard mode == .cubic else { return max(0, 1 - x) }
        let a: Real = -0.75
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }

    private func place(_ index: Int, _ size: Int, _ low: Real, _ high: Real) -> Int? {
        if index >= 0, index < size { return index }
        switch padding {
        case .zeros: return nil
        case .border: return min(max(index, 0), size - 1)
        case .reflection:
            return min(max(Int(reflected(Real(index), low, high)), 0), size - 1)
        }
    }

    /// The coordinate after reflections at both ends.
    private func reflected(_ x: Real, _ low: Real, _ high: Real) -> Real {
        let range = high - low
        guard range > 0, x.isFinite else { return low }
        let distance = x < low ? low - x : x - high
        guard distance > 0 else { return x }
        let count = (distance / range).rounded(.down)
        let rest = distance - count * range
        let isEven = count.remainder(dividingBy: 2) == 0
        return (x < low) == isEven ? low + rest : high - rest
    }
}
