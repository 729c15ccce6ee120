import TernGraph
import TernTensor

/// BatchNormalization element by element: for doubles, and with the mean and variance of the batch.
struct PlainBatchNormalization<Real: RealElement>: Sendable {
    private let batch: Int
    private let channels: Int
    private let spatial: Int
    private let epsilon: Real
    private let momentum: Real
    private let isTraining: Bool
    private let hasMean: Bool
    private let hasVariance: Bool

    init(_ context: NodeContext, _ isTraining: Bool) throws(OperatorError) {
        let shape = try context.input(0).shape
        batch = shape.first ?? 1
        channels = shape.rank > 1 ? shape[1] : 1
        spatial = shape.dropFirst(2).reduce(1, *)
        epsilon = Real(try context.node.float("epsilon", default: 1e-5))
        momentum = Real(try context.node.float("momentum", default: 0.9))
        self.isTraining = isTraining
        (hasMean, hasVariance) = (context.hasOutput(1), context.hasOutput(2))
    }

    func kernel() -> Kernel {
        let normalization = self
        return Kernel { (frame) throws(OperatorError) in
            for channel in 0..<normalization.channels { normalization.run(frame, channel) }
        }
    }

    private func run(_ frame: borrowing KernelFrame, _ channel: Int) {
        let source = frame.elements(ofInput: 0, as: Real.self)
        let scale = frame.elements(ofInput: 1, as: Real.self)[channel]
        let bias = frame.elements(ofInput: 2, as: Real.self)[channel]
        var mean = frame.elements(ofInput: 3, as: Real.self)[channel]
        var variance = frame.elements(ofInput: 4, as: Real.self)[channel]
        func place(_ entry: Int, _ position: Int) -> Int {
            (entry * channels + channel) * spatial + position
        }
        if isTraining {
            let count = Real(batch * spatial)
            var (sum, squares): (Real, Real) = (0, 0)
            for entry in 0..<batch {
                for position in 0..<spatial { sum += source[place(entry, position)] }
            }
            for entry in 0..<batch {
                for position in 0..<spatial {
                    let distance = source[place(entry, position)] - sum / count
                    squares += distance * distance
                }
            }
            let running = (
                mean * momentum + sum / count * (1 - momentum),
                variance * momentum + squares / count * (1 - momentum)
            )
            if hasMean {
                var target = frame.mutableElements(ofOutput: 1, as: Real.self)
                target[channel] = running.0
            }
            if hasVariance {
                var target = frame.mutableElements(ofOutput: 2, as: Real.self)
                target[channel] = running.1
            }
            (mean, variance) = (sum / count, squares / count)
        }
        var target = frame.mutableElements(ofOutput: 0, as: Real.self)
        let factor = scale / (variance + epsilon).squareRoot()
        for entry in 0..<batch {
            for position in 0..<spatial {
                let index = place(entry, position)
                target[index] = (source[index] - mean) * factor + bias
            }
        }
    }
}
