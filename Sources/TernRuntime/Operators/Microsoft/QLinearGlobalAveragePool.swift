import TernGraph
import TernTensor

/// The mean of each channel's plane of bytes, of com.microsoft: sums are exact, the mean is rounded
/// to a byte once.
enum QLinearGlobalAveragePool {
    static let all = [declaration]

    private static let declaration = OperatorDeclaration(
        "QLinearGlobalAveragePool",
        domain: "com.microsoft",
        versions: [1],
        inputs: 5...5,
        shape: { (context) throws(OperatorError) in
            for index in [0, 2, 4] {
                try context.requireElementType(index, in: QuantizationOperators.bytes)
            }
            for index in [1, 3] { try context.requireElementType(index, in: [.fp32]) }
            try context.requireRank(0, in: 3...8)
            let isChannelsLast = try context.node.int("channels_last", default: 0) != 0
            let dimensions = context.dimensions(0).map { given in
                given.enumerated().map { axis, dimension in
                    axis == 0 || axis == (isChannelsLast ? given.count - 1 : 1)
                        ? dimension : .fixed(1)
                }
            }
            context.setOutput(elementType: context.elementType(0), dimensions: dimensions)
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let type = input.elementType
            let given = try ScalarQuantization(context, of: type, scale: 1, zero: 2)
            let result = try ScalarQuantization(context, of: type, scale: 3, zero: 4)
            let isChannelsLast = try context.node.int("channels_last", default: 0) != 0
            let channels = isChannelsLast ? input.shape[input.rank - 1] : input.shape[1]
            let batch = input.shape[0]
            let plane = (isChannelsLast ? input.shape[1..<(input.rank - 1)] : input.shape[2...])
                .reduce(1, *)
            guard plane > 0, plane < 1 << 23 else {
                throw OperatorError("planes of \(plane) bytes have no mean that can be calculated")
            }
            let (step, channelStep) = isChannelsLast ? (channels, 1) : (1, plane)
            return Kernel { (frame) throws(OperatorError) in
                let (x, y) = (given.read(frame), result.read(frame))
                let source = unsafe frame.input(0, as: UInt8.self)
                let target = unsafe frame.output(0, as: UInt8.self)
                let factor = x.scale / Float(plane)
                for entry in 0..<batch {
                    for channel in 0..<channels {
                        let first = unsafe source + entry * channels * plane + channel * channelStep
                        var sum: Int32 = 0
                        for index in 0..<plane {
                            // SAFETY: the input has `batch` · `channels` planes.
                            unsafe sum &+= given.integer(first[index * step])
                        }
                        let mean = Float(sum &- Int32(plane) &* x.zero) * factor
                        unsafe target[entry * channels + channel] = result.byte(
                            mean,
                            scale: y.scale,
                            zero: y.zero
                        )
                    }
                }
            }
        }
    )
}
