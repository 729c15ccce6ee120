import TernGraph
import TernTensor

/// ConvTranspose over images of any number of axes: each element of the output gathers what reaches
/// it.
struct PlainTransposedConvolution: Sendable {
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

    /// Describes it.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - window: How far copies of the kernel lie apart.
    ///   - leading: How much of the result is cut off before each axis.
    /// - Throws: ``OperatorError`` if the operands do not fit together.
    init(
        _ context: NodeContext,
        _ window: SlidingWindow,
        leading: [Int]
    ) throws(OperatorError) {
        let (input, weights) = (try context.input(0).shape, try context.input(1).shape)
        groups = try context.node.int("group", default: 1)
        guard groups >= 1, input[1] == weights[0], weights[0].isMultiple(of: groups) else {
            throw OperatorError("the image \(input) and the weights \(weights) do not fit together")
        }
        batch = input[0]
        inputChannels = weights[0] / groups
        outputChannels = weights[1]
        image = Array(input.dropFirst(2))
        output = Array(try context.output().shape.dropFirst(2))
        self.window = window
        self.leading = leading
        strides = Shape(image).strides
        hasBias = context.hasInput(2)
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
            let (group, own) = channel.quotientAndRemainder(dividingBy: outputChannels)
            let entry = plane / (groups * outputChannels)
            let bias = hasBias ? frame.elements(ofInput: 2, as: type)[channel] : 0
            for place in 0..<outputSize {
                var total = bias
                for tap in 0..<taps {
                    guard let offset = offset(place, tap) else { continue }
                    for input in 0..<inputChannels {
                        let from = group * inputChannels + input
                        let image = (entry * groups * inputChannels + from) * planeSize + offset
                        total += source[image] * weights[(from * outputChannels + own) * taps + tap]
                    }
                }
                target[plane * outputSize + place] = total
            }
        }
    }

    /// The element of a plane whose kernel reaches a place with a tap; `nil` if there is none.
    private func offset(_ place: Int, _ tap: Int) -> Int? {
        var (restOfPlace, restOfTap, offset) = (place, tap, 0)
        for axis in image.indices.reversed() {
            let position =
                restOfPlace % output[axis] + leading[axis]
                - restOfTap % window.kernel[axis] * window.dilations[axis]
            restOfPlace /= output[axis]
            restOfTap /= window.kernel[axis]
            let (index, rest) = position.quotientAndRemainder(
                dividingBy: window.strides[axis]
            )
            guard position >= 0, rest == 0, index < image[axis] else { return nil }
            offset += index * strides[axis]
        }
        return offset
    }
}
