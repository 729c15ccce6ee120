import TernGraph
import TernTensor

/// What a pooling makes of the elements in its window.
enum PoolingFunction: Sendable {
    /// The largest; positions may be counted down columns first.
    case maximum(isColumnMajor: Bool)
    /// The mean; padding may count as zeros.
    case average(countsPadding: Bool)
    /// (Σ|x|ᵖ)^(1/p).
    case lp(Int)
}

/// Pooling of any element type over images of any number of axes, tap by tap.
struct PlainPooling: Sendable {
    private let planeCount: Int
    private let image: [Int]
    private let output: [Int]
    private let window: SlidingWindow
    private let pads: [(leading: Int, trailing: Int)]
    private let function: PoolingFunction
    private let hasIndices: Bool
    /// Distances of neighbours along each axis in a plane, and as positions are counted.
    private let strides: [Int]
    private let indexStrides: [Int]

    init(
        _ context: NodeContext,
        _ window: SlidingWindow,
        _ function: PoolingFunction
    ) throws(OperatorError) {
        let shape = try context.input(0).shape
        planeCount = shape[0] * shape[1]
        image = Array(shape.dropFirst(2))
        output = Array(try context.output().shape.dropFirst(2))
        self.window = window
        self.function = function
        hasIndices = context.hasOutput(1)
        let image = image
        pads = image.indices.map { window.pads($0, inputSize: image[$0]) }
        strides = Shape(image).strides
        if case .maximum(isColumnMajor: true) = function {
            var stride = 1
            indexStrides = image.map { size in
                defer { stride *= size }
                return stride
            }
        } else {
            indexStrides = strides
        }
    }

    /// The kernel for elements of a type.
    func kernel(_ type: ElementType) throws(OperatorError) -> Kernel {
        switch (type, function) {
        case (.uint8, .maximum): return maximum(UInt8.self, lowest: .min)
        case (.int8, .maximum): return maximum(Int8.self, lowest: .min)
        case (.fp64, .maximum): return maximum(Double.self, lowest: -.infinity)
        case (.fp32, .maximum): return maximum(Float.self, lowest: -.infinity)
        case (.fp64, _): return sum(Double.self)
        case (.fp32, _): return sum(Float.self)
        default: throw OperatorError("\(type) cannot be pooled")
        }
    }

    private func maximum<Element: Comparable & BitwiseCopyable & Sendable>(
        _ type: Element.Type,
        lowest: Element
    ) -> Kernel {
        let pooling = self
        return Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            pooling.forEachWindow { place, plane, taps in
                var (best, position) = (lowest, 0)
                var isFirst = true
                pooling.forEachTap(taps) { tap, index, isInside in
                    guard isInside else { return }
                    let value = source[plane * pooling.planeSize + tap]
                    // A NaN is not equal to itself, and stays once it is met.
                    guard isFirst || value > best || (value != value && best == best) else {
                        return
                    }
                    (best, position, isFirst) = (value, plane * pooling.planeSize + index, false)
                }
                target[place] = best
                guard pooling.hasIndices else { return }
                var indices = frame.mutableElements(ofOutput: 1, as: Int64.self)
                indices[place] = Int64(position)
            }
        }
    }

    private func sum<Real: RealElement>(_ type: Real.Type) -> Kernel {
        let pooling = self
        return Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            pooling.forEachWindow { place, plane, taps in
                var total: Real = 0
                var (insideCount, paddedCount) = (0, 0)
                pooling.forEachTap(taps) { tap, _, isInside in
                    paddedCount += 1
                    guard isInside else { return }
                    insideCount += 1
                    let value = source[plane * pooling.planeSize + tap]
                    if case .lp(let p) = pooling.function {
                        total += Real.power(value.magnitude, Real(p))
                    } else {
                        total += value
                    }
                }
                switch pooling.function {
                case .lp(let p): target[place] = Real.power(total, 1 / Real(p))
                case .average(countsPadding: true): target[place] = total / Real(paddedCount)
                default: target[place] = total / Real(insideCount)
                }
            }
        }
    }

    private var planeSize: Int { image.reduce(1, *) }

    /// Calls `body` for each output: its place, its plane, and where its window begins.
    private func forEachWindow(
        _ body: (_ place: Int, _ plane: Int, _ starts: InlineArray<8, Int>) -> Void
    ) {
        let count = output.reduce(1, *)
        for plane in 0..<planeCount {
            for place in 0..<count {
                var starts = InlineArray<8, Int>(repeating: 0)
                var rest = place
                for axis in output.indices.reversed() {
                    starts[axis] = rest % output[axis] * window.strides[axis] - pads[axis].leading
                    rest /= output[axis]
                }
                body(plane * count + place, plane, starts)
            }
        }
    }

    /// Calls `body` for each tap of a window that is inside the image or its padding: its place in the
    /// plane, its position as it is counted, and whether it is inside the image.
    private func forEachTap(
        _ starts: InlineArray<8, Int>,
        _ body: (_ tap: Int, _ index: Int, _ isInside: Bool) -> Void
    ) {
        for number in 0..<window.kernel.reduce(1, *) {
            var rest = number
            var (tap, index) = (0, 0)
            var (isInside, isPadded) = (true, true)
            for axis in image.indices.reversed() {
                let step = rest % window.kernel[axis]
                rest /= window.kernel[axis]
                let position = starts[axis] + step * window.dilations[axis]
                isInside = isInside && position >= 0 && position < image[axis]
                isPadded = isPadded && position < image[axis] + pads[axis].trailing
                // What is outside may be anywhere, and is not looked at.
                tap &+= position &* strides[axis]
                index &+= position &* indexStrides[axis]
            }
            if isPadded { body(tap, index, isInside) }
        }
    }
}
