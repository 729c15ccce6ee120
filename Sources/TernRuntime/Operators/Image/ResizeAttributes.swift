import TernGraph
import TernTensor

/// What the attributes of Resize say.
struct ResizeAttributes: Sendable {
    /// How elements are made of their neighbours.
    enum Mode: String {
        /// The nearest one is copied.
        case nearest
        /// Two are weighed by their distance.
        case linear
        /// Four are weighed by a cubic.
        case cubic
    }

    /// Which of two neighbours is nearest.
    enum NearestMode: String {
        case roundPreferFloor = "round_prefer_floor"
        case roundPreferCeil = "round_prefer_ceil"
        case floor
        case ceil
    }

    /// How places of the output stand for places of the input.
    enum Coordinates: String {
        case halfPixel = "half_pixel"
        case halfPixelSymmetric = "half_pixel_symmetric"
        case pytorchHalfPixel = "pytorch_half_pixel"
        case alignCorners = "align_corners"
        case asymmetric
        case tfHalfPixelForNN = "tf_half_pixel_for_nn"
        case tfCropAndResize = "tf_crop_and_resize"
    }

    /// What becomes of wanted sizes that would change the proportions.
    enum AspectRatio: String {
        case stretch
        case notLarger = "not_larger"
        case notSmaller = "not_smaller"
    }

    let mode: Mode
    let nearestMode: NearestMode
    let coordinates: Coordinates
    let aspectRatio: AspectRatio
    /// The axes that scales, sizes and the region are given for.
    let axes: [Int]
    let isAntialiased: Bool
    let excludesOutside: Bool
    let cubicCoefficient: Double
    let extrapolationValue: Float

    init(_ node: Node, rank: Int) throws(OperatorError) {
        func choice<Choice: RawRepresentable<String>>(
            _ name: String,
            _ fallback: String,
            _ type: Choice.Type
        ) throws(OperatorError) -> Choice {
            let text = try node.string(name, default: fallback)
            guard let choice = Choice(rawValue: text) else {
                throw OperatorError("\(name) is \"\(text)\", which is not known")
            }
            return choice
        }
        // Upsample, and Resize up to version 10, know only this geometry.
        let isOld = node.operatorName == "Upsample" || node.operatorVersion < 11
        let modeName = try node.string("mode", default: "nearest")
        // Upsample-7 calls it bilinear.
        guard let mode = Mode(rawValue: modeName == "bilinear" ? "linear" : modeName) else {
            throw OperatorError("mode is \"\(modeName)\", expected nearest, linear or cubic")
        }
        self.mode = mode
        nearestMode =
            isOld
            ? .floor : try choice("nearest_mode", "round_prefer_floor", NearestMode.self)
        coordinates =
            isOld
            ? .asymmetric
            : try choice("coordinate_transformation_mode", "half_pixel", Coordinates.self)
        aspectRatio = try choice("keep_aspect_ratio_policy", "stretch", AspectRatio.self)
        isAntialiased = try node.int("antialias", default: 0) != 0
        excludesOutside = try node.int("exclude_outside", default: 0) != 0
        cubicCoefficient = Double(try node.float("cubic_coeff_a", default: -0.75))
        extrapolationValue = try node.float("extrapolation_value", default: 0)
        var axes: [Int] = []
        for axis in try node.ints("axes") ?? Array(0..<rank) {
            let position = try ShapeInferenceContext.normalizedAxis(axis, rank: rank)
            guard !axes.contains(position) else {
                throw OperatorError("axis \(axis) is named twice")
            }
            axes.append(position)
        }
        self.axes = axes
    }

    // MARK: Sizes

    /// The axes of the output if it is not known how far they are scaled.
    func leavingOpen(_ dimensions: [Dimension]) -> [Dimension] {
        dimensions.enumerated().map { axes.contains($0.offset) ? .unknown : $0.element }
    }

    /// The axes of the output for given factors.
    func dimensions(
        _ dimensions: [Dimension],
        scales: [Double]
    ) throws(OperatorError) -> [Dimension] {
        guard scales.count == axes.count else {
            throw OperatorError("\(scales.count) scales are given for \(axes.count) axes")
        }
        var result = dimensions
        for (axis, scale) in zip(axes, scales) {
            guard scale > 0, scale.isFinite else {
                throw OperatorError("the scale of axis \(axis) is \(scale), expected more than 0")
            }
            if let size = dimensions[axis].fixedSize {
                let scaled = (Double(size) * scale).rounded(.down)
                guard scaled < 0x1p48 else {
                    throw OperatorError("axis \(axis) of \(size) cannot be scaled by \(scale)")
                }
                result[axis] = .fixed(Int(scaled))
            } else if let whole = Int(exactly: scale) {
                result[axis] = dimensions[axis] * .fixed(whole)
            } else {
                result[axis] = .unknown
            }
        }
        return result
    }

    /// The axes of the output for wanted sizes.
    func dimensions(
        _ dimensions: [Dimension],
        sizes: [Dimension]
    ) throws(OperatorError) -> [Dimension] {
        guard sizes.count == axes.count else {
            throw OperatorError("\(sizes.count) sizes are given for \(axes.count) axes")
        }
        var result = dimensions
        for (axis, size) in zip(axes, sizes) {
            if let size = size.fixedSize, size < 0 {
                throw OperatorError("the size \(size) is wanted of axis \(axis)")
            }
            result[axis] = size
        }
        guard aspectRatio != .stretch else { return result }
        let inputs = axes.compactMap { dimensions[$0].fixedSize }
        let wanted = sizes.compactMap(\.fixedSize)
        guard inputs.count == axes.count, wanted.count == axes.count else {
            return leavingOpen(dimensions)
        }
        let scale = commonScale(inputs, wanted)
        for (axis, size) in zip(axes, inputs) {
            let scaled = scale * Double(size) + 0.5
            guard scaled < 0x1p48 else {
                throw OperatorError("axis \(axis) of \(size) cannot be scaled by \(scale)")
            }
            result[axis] = .fixed(Int(scaled))
        }
        return result
    }

    /// The one factor for all axes that keeps their proportions.
    private func commonScale(_ inputs: [Int], _ wanted: [Int]) -> Double {
        let scales = zip(inputs, wanted).map { $0 == 0 ? 0 : Double($1) / Double($0) }
        return (aspectRatio == .notLarger ? scales.min() : scales.max()) ?? 1
    }

    /// The factor of every axis, for wanted sizes.
    func scales(_ input: Shape, _ output: Shape, sizes: [Int]) -> [Double] {
        let common =
            aspectRatio == .stretch ? nil : commonScale(axes.map { input[$0] }, sizes)
        return input.indices.map { axis in
            guard axes.contains(axis) else { return 1 }
            return common ?? Double(output[axis]) / Double(max(input[axis], 1))
        }
    }

    /// Numbers that are given for ``axes``, for all axes.
    func spread(_ values: [Double], over rank: Int, elsewhere: Double) -> [Double] {
        var result = Array(repeating: elsewhere, count: rank)
        for (axis, value) in zip(axes, values) { result[axis] = value }
        return result
    }

    /// The part of the image that is looked at: the axes' beginnings, then their ends.
    func region(_ tensor: Tensor?, rank: Int) throws(OperatorError) -> [Double] {
        let whole = Array(repeating: 0.0, count: rank) + Array(repeating: 1.0, count: rank)
        guard coordinates == .tfCropAndResize else { return whole }
        guard let tensor, tensor.shape.elementCount == 2 * axes.count else {
            throw OperatorError("roi must have \(2 * axes.count) numbers")
        }
        let numbers: [Double]
        switch tensor.elementType {
        case .fp32: numbers = tensor.elements(as: Float.self).map { Double($0) }
        case .fp64: numbers = tensor.elements(as: Double.self)
        default: throw OperatorError("roi is \(tensor.elementType), expected FP32 or FP64")
        }
        guard numbers.allSatisfy({ $0.magnitude < 0x1p31 }) else {
            throw OperatorError("roi is \(numbers), which is far outside the image")
        }
        return spread(Array(numbers.prefix(axes.count)), over: rank, elsewhere: 0)
            + spread(Array(numbers.dropFirst(axes.count)), over: rank, elsewhere: 1)
    }
}
