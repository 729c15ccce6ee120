import TernGraph
import TernKernels
import TernTensor

/// The attributes by which convolutions and poolings say how a window slides over an image.
struct SlidingWindow: Sendable {
    /// Where padding comes from.
    enum Padding: Sendable {
        /// As many as the attribute `pads` says, the axes' beginnings first.
        case explicit([Int])
        /// As many as make the output ceil(input / stride) long; an odd one goes after the image.
        case sameUpper
        /// The same; an odd one goes before the image.
        case sameLower
        /// None.
        case valid
    }

    /// How many axes the image has.
    let rank: Int
    let kernel: [Int]
    let strides: [Int]
    let dilations: [Int]
    let padding: Padding
    let roundsUp: Bool

    /// How many axes an image may have where a kernel takes any number.
    static let anyRank = Shape.maximumRank - 2

    /// Reads the attributes.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - rank: How many axes the image has.
    ///   - maximumRank: How many axes the kernel can take.
    ///   - weightKernel: The kernel's size by the weights, where there are weights.
    /// - Throws: ``OperatorError`` if they contradict each other.
    init(
        _ node: Node,
        rank: Int,
        maximumRank: Int = 2,
        weightKernel: [Int]? = nil
    ) throws(OperatorError) {
        guard rank >= 1, rank <= maximumRank else {
            throw OperatorError(
                "the image has \(rank) axes besides batch and channel, 1 to \(maximumRank) can be"
            )
        }
        func list(_ name: String, _ fallback: Int, _ minimum: Int) throws(OperatorError) -> [Int] {
            let values = try node.ints(name) ?? []
            if values.isEmpty { return Array(repeating: fallback, count: rank) }
            guard values.count == rank, values.allSatisfy({ $0 >= minimum && $0 <= 1 << 24 }) else {
                throw OperatorError(
                    "\(name) is \(values), expected \(rank) numbers from \(minimum) on"
                )
            }
            return values
        }
        self.rank = rank
        strides = try list("strides", 1, 1)
        dilations = try list("dilations", 1, 1)
        let given = try node.ints("kernel_shape") ?? []
        if given.isEmpty, let weightKernel {
            kernel = weightKernel
        } else {
            guard !given.isEmpty else {
                throw OperatorError("the attribute kernel_shape is missing")
            }
            kernel = try list("kernel_shape", 1, 1)
        }
        if let weightKernel, weightKernel != kernel {
            throw OperatorError("kernel_shape is \(kernel), but the weights' is \(weightKernel)")
        }
        guard kernel.count == rank, kernel.allSatisfy({ $0 >= 1 && $0 <= 1 << 31 }) else {
            throw OperatorError("the kernel is \(kernel), expected \(rank) numbers from 1 on")
        }
        guard Shape(kernel).isBounded else {
            throw OperatorError("a kernel of \(kernel) is too large")
        }
        roundsUp = try node.int("ceil_mode", default: 0) != 0
        let autoPad = try node.string("auto_pad", default: "NOTSET")
        switch autoPad {
        case "NOTSET", "":
            let pads = try node.ints("pads") ?? []
            guard pads.isEmpty || pads.count == 2 * rank,
                pads.allSatisfy({ $0 >= 0 && $0 <= 1 << 24 })
            else {
                throw OperatorError("pads is \(pads), expected \(2 * rank) numbers from 0 on")
            }
            padding = .explicit(
                pads.isEmpty ? Array(repeating: 0, count: 2 * rank) : pads
            )
        case "SAME_UPPER": padding = .sameUpper
        case "SAME_LOWER": padding = .sameLower
        case "VALID": padding = .valid
        default:
            throw OperatorError(
                "auto_pad is \"\(autoPad)\", expected NOTSET, SAME_UPPER, SAME_LOWER or VALID"
            )
        }
    }

    /// How far the kernel reaches along an axis.
    func reach(_ axis: Int) -> Int { (kernel[axis] - 1) * dilations[axis] + 1 }

    /// Padding before and after the image along an axis of the given length.
    func pads(_ axis: Int, inputSize: Int) -> (leading: Int, trailing: Int) {
        switch padding {
        case .explicit(let pads): return (pads[axis], pads[axis + rank])
        case .valid: return (0, 0)
        case .sameUpper, .sameLower:
            let outputSize = (inputSize + strides[axis] - 1) / strides[axis]
            let total = max(0, (outputSize - 1) * strides[axis] + reach(axis) - inputSize)
            let half = total / 2
            if case .sameUpper = padding { return (half, total - half) }
            return (total - half, half)
        }
    }

    /// How many places the window takes along an axis.
    func outputSize(_ axis: Int, of input: Dimension) throws(OperatorError) -> Dimension {
        let stride = strides[axis]
        switch padding {
        case .sameUpper, .sameLower: return input.dividedRoundingUp(by: stride)
        case .explicit, .valid: break
        }
        let (leading, trailing) = pads(axis, inputSize: 0)
        let room = input + .fixed(leading + trailing - reach(axis))
        if let size = room.fixedSize, size < 0 {
            throw OperatorError(
                "the kernel reaches over \(reach(axis)) elements of image axis \(axis), which has "
                    + "\(input) and \(leading + trailing) of padding"
            )
        }
        guard roundsUp else { return room.dividedRoundingDown(by: stride) + .fixed(1) }
        guard let inputSize = input.fixedSize else { return .unknown }
        let size = room.dividedRoundingUp(by: stride) + .fixed(1)
        // A window that would start in the padding behind the image does not count.
        if let count = size.fixedSize, (count - 1) * stride - leading >= inputSize {
            return .fixed(count - 1)
        }
        return size
    }

    /// The axes of the output: batch and channels, then what the window makes of the image.
    func outputDimensions(
        batch: Dimension,
        channels: Dimension,
        image: [Dimension]
    ) throws(OperatorError) -> [Dimension] {
        var dimensions = [batch, channels]
        for axis in 0..<rank { dimensions.append(try outputSize(axis, of: image[axis])) }
        return dimensions
    }

    /// The window as kernels take it, for an image of the given size.
    func window(for image: [Int]) -> Window {
        func extent(_ values: [Int], _ fallback: Int) -> Window.Extent {
            Window.Extent(height: rank == 2 ? values[0] : fallback, width: values[rank - 1])
        }
        let pads = (0..<rank).map { self.pads($0, inputSize: image[$0]) }
        return Window(
            kernel: extent(kernel, 1),
            stride: extent(strides, 1),
            dilation: extent(dilations, 1),
            leading: extent(pads.map(\.leading), 0),
            trailing: extent(pads.map(\.trailing), 0)
        )
    }

    /// An image's size as kernels take it.
    static func extent(_ image: [Int]) -> Window.Extent {
        Window.Extent(height: image.count == 2 ? image[0] : 1, width: image[image.count - 1])
    }
}
