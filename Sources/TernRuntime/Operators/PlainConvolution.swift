import TernGraph
import TernTensor

/// Convolution over images of any number of axes, tap by tap.
struct PlainConvolution: Sendable {
    private let batch: Int
    private let groups: Int
    /// Channels of one group.
    private let inputChannels: Int
    private let outputChannels: Int
    private let image: [Int]
    private let output: [Int]
    private let window: SlidingWindow
    private let leading: [Int]
    private let strides: [Int]
    private let hasBias: Bool

    init(_ context: NodeContext, _ window: SlidingWindow) throws(OperatorError) {
        let (input, weights) = (try context.input(0).shape, try context.input(1).shape)
        groups = try context.node.int("group", default: 1)
        batch = input[0]
        inputChannels = weights[1]
        outputChannels = weights[0] / max(groups, 1)
        image = Array(input.dropFirst(2))
        output = Array(try context.output().shape.dropFirst(2))
        self.window = window
        let image = image
        leading = image.indices.map { window.pads($0, inputSize: image[$0]).leading }
        strides = Shape(image).strides
        hasBias = context.hasInput(2)
        guard groups >= 1, input[1] == groups * inputChannels,
            weights[0] == groups * outputChannels
        else {
            throw OperatorError("the image \(input) and the weights \(weights) do not fit together")
        }
    }

    /// The kernel for elements of a type.
    func kernel<Real: RealElement>(_ type: Real.Type) -> Kernel {
        let convolution = self
        return Kernel { (frame) throws(OperatorError) in convolution.run(frame, as: type) }
    }

    private func run<Real: RealElement>(_ frame: borrowing KernelFrame, as type: Real.Type) {
        let source = frame.elements(ofInput: 0, as: type)
        let weights = frame.elements(ofInput: 1, as: type)
        var target = frame.mutableElements(ofOutput: 0, as: type)
        let (planeSize, outputSize) = (image.reduce(1, *), output.reduce(1, *))
        let taps = window.kernel.reduce(1, *)
        for plane in 0..<(batch * groups * outputChannels) {
            let channel = plane % (groups * outputChannels)
            let group = channel / outputChannels
            let entry = plane / (groups * outputChannels)
            let bias = hasBias ? frame.elements(ofInput: 2, as: type)[channel] : 0
            for place in 0..<outputSize {
                var total = bias
                for tap in 0..<taps {
                    guard let offset = offset(place, tap) else { continue }
                    for input in 0..<inputChannels {
                        let from = (entry * groups + group) * inputChannels + input
                        total +=
                            source[from * planeSize + offset]
                            * weights[(channel * inputChannels + input) * taps + tap]
                    }
                }
                target[plane * outputSize + place] = total
            }
        }
    }

    /// The element of a plane under a tap of the window at a place; `nil` in the padding.
    private func offset(_ place: Int, _ tap: Int) -> Int? {
        var (restOfPlace, restOfTap, offset) = (place, tap, 0)
        for axis in image.indices.reversed() {
            let start = restOfPlace % output[axis] * window.strides[axis] - leading[axis]
            let position = start + restOfTap % window.kernel[axis] * window.dilations[axis]
            restOfPlace /= output[axis]
            restOfTap /= window.kernel[axis]
            guard position >= 0, position < image[axis] else { return nil }
            offset += position * strides[axis]
        }
        return offset
    }
}
