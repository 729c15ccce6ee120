import TernTensor

/// Which elements of an axis make each element of the resized axis, and with which weights.
struct ResizedAxis: Sendable {
    let size: Int
    let outputSize: Int
    /// How many elements make one.
    let tapCount: Int
    /// For each element of the output, its taps.
    let places: [Int]
    /// The taps' weights; they add up to 1.
    let weights: [Double]
    /// Whether an element of the output lies outside the input; empty if none can.
    let isOutside: [Bool]
    /// Whether the axis stays as it is.
    let isIdentity: Bool

    init(
        _ attributes: ResizeAttributes,
        size: Int,
        outputSize: Int,
        scale: Double,
        region: (start: Double, end: Double)
    ) {
        self.size = size
        self.outputSize = outputSize
        isIdentity = size == outputSize && scale == 1 && region == (0, 1)
        guard !isIdentity else {
            (tapCount, places, weights, isOutside) = (1, [], [], [])
            return
        }
        let coordinates = (0..<outputSize).map { place in
            Self.coordinate(
                attributes.coordinates,
                Double(place),
                size: Double(size),
                outputSize: Double(outputSize),
                scale: scale,
                region: region
            )
        }
        isOutside =
            attributes.coordinates == .tfCropAndResize
            ? coordinates.map { $0 < 0 || $0 > Double(size - 1) } : []
        if attributes.mode == .nearest {
            tapCount = 1
            places = coordinates.map { coordinate in
                let place = Self.nearest(attributes.nearestMode, coordinate)
                return Int(min(max(place, 0), Double(size - 1)))
            }
            weights = []
            return
        }
        let filter = Filter(attributes, scale: scale)
        tapCount = filter.tapCount
        var places: [Int] = []
        var weights: [Double] = []
        for coordinate in coordinates {
            // A coordinate on an element counts as the end of the step before it.
            let base = coordinate.rounded(.up) - 1
            var taps = filter.weights(coordinate - base)
            for tap in taps.indices {
                let place = base + Double(filter.first + tap)
                if attributes.excludesOutside, place < 0 || place > Double(size - 1) {
                    taps[tap] = 0
                }
                places.append(Int(min(max(place, 0), Double(size - 1))))
            }
            let total = taps.reduce(0, +)
            let divisor = attributes.excludesOutside && total != 0 ? total : 1
            weights += taps.map { $0 / divisor }
        }
        (self.places, self.weights) = (places, weights)
    }

    /// Where in the input an element of the output lies.
    private static func coordinate(
        _ mode: ResizeAttributes.Coordinates,
        _ place: Double,
        size: Double,
        outputSize: Double,
        scale: Double,
        region: (start: Double, end: Double)
    ) -> Double {
        let scaledSize = scale * size
        switch mode {
        case .alignCorners:
            return scaledSize == 1 ? 0 : place * (size - 1) / (scaledSize - 1)
        case .asymmetric: return place / scale
        case .tfHalfPixelForNN: return (place + 0.5) / scale
        case .pytorchHalfPixel:
            return scaledSize == 1 ? -0.5 : (place + 0.5) / scale - 0.5
        case .halfPixel: return (place + 0.5) / scale - 0.5
        case .halfPixelSymmetric:
            // The centres of both lie on each other, even if the size was rounded.
            let offset = size / 2 * (1 - outputSize / scaledSize)
            return offset + (place + 0.5) / scale - 0.5
        case .tfCropAndResize:
            let length = (region.end - region.start) * (size - 1)
            let inside = scaledSize == 1 ? length / 2 : place * length / (scaledSize - 1)
            return inside + region.start * (size - 1)
        }
    }

    private static func nearest(
        _ mode: ResizeAttributes.NearestMode,
        _ coordinate: Double
    ) -> Double {
        switch mode {
        case .floor: coordinate.rounded(.down)
        case .ceil: coordinate.rounded(.up)
        case .roundPreferFloor: (coordinate - 0.5).rounded(.up)
        case .roundPreferCeil: (coordinate + 0.5).rounded(.down)
        }
    }
}

/// The weights of the neighbours of a place, by their distance.
private struct Filter {
    private let mode: ResizeAttributes.Mode
    private let coefficient: Double
    /// Below 1 where the filter is stretched over what is shrunk together.
    private let stretch: Double
    /// The first neighbour, counted from the one before the place.
    let first: Int
    let tapCount: Int
    private let isNormalized: Bool

    init(_ attributes: ResizeAttributes, scale: Double) {
        mode = attributes.mode
        coefficient = attributes.cubicCoefficient
        isNormalized = attributes.isAntialiased
        stretch = attributes.isAntialiased ? min(scale, 1) : 1
        let reach = mode == .cubic ? 2.0 : 1.0
        first = Int((-reach / stretch).rounded(.down)) + 1
        tapCount = 2 - 2 * first
    }

    /// The weights for a place that lies `distance` (more than 0, at most 1) behind the neighbour that
    /// counts as 0.
    func weights(_ distance: Double) -> [Double] {
        var weights = (0..<tapCount).map { tap in
            weight((Double(first + tap) - distance) * stretch)
        }
        if isNormalized {
            let total = weights.reduce(0, +)
            weights = weights.map { $0 / total }
        }
        return weights
    }

    private func weight(_ offset: Double) -> Double {
        let x = offset.magnitude
        let a = coefficient
        guard mode == .cubic else { return max(0, 1 - x) }
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }
}
