import TernKernels
import TernMicrokernels
import Testing

/// One geometry of a convolution.
struct ConvolutionCase: CustomStringConvertible {
    var batch = 1
    var inputs: Int
    var outputs: Int
    var groups = 1
    var size: (Int, Int)
    var kernel: (Int, Int)
    var stride = (1, 1)
    var dilation = (1, 1)
    var leading = (0, 0)
    var trailing = (0, 0)
    var usesWinograd = true

    var window: Window {
        Window(
            kernel: .init(height: kernel.0, width: kernel.1),
            stride: .init(height: stride.0, width: stride.1),
            dilation: .init(height: dilation.0, width: dilation.1),
            leading: .init(height: leading.0, width: leading.1),
            trailing: .init(height: trailing.0, width: trailing.1)
        )
    }

    var convolution: Convolution? {
        Convolution(
            batchCount: batch,
            inputChannelCount: inputs,
            outputChannelCount: outputs,
            groupCount: groups,
            inputSize: .init(height: size.0, width: size.1),
            window: window,
            usesWinograd: usesWinograd
        )
    }

    var description: String {
        "\(batch)x\(inputs)x\(size) k\(kernel) s\(stride) d\(dilation) g\(groups)"
    }
}

extension ConvolutionCase {
    var inputCount: Int { batch * inputs * size.0 * size.1 }
    var filterCount: Int { outputs * inputs / groups * kernel.0 * kernel.1 }

    /// Computes it, with filters packed or loose, every operand at the edge of its memory.
    func run(
        _ input: [Float],
        _ filter: [Float],
        _ bias: [Float]? = nil,
        residual: [Float]? = nil,
        activation: UnaryOperation = .identity,
        packs: Bool = true,
        context: KernelContext
    ) throws -> [Float] {
        let convolution = try #require(convolution)
        let x = Guarded(input)
        let w = Guarded(filter)
        let b = bias.map { Guarded($0) }
        let r = residual.map { Guarded($0) }
        let size = convolution.outputSize
        let y = Guarded<Float>(
            repeating: .nan,
            count: batch * outputs * size.height * size.width
        )
        let scratch = Scratch(
            convolution.scratchByteCount(context: context, filtersAreLoose: !packs)
        )
        let epilogue = unsafe ConvolutionEpilogue(
            bias: b?.read,
            residual: r?.read,
            activation: activation
        )
        if packs {
            let packed = unsafe PackedFilter(
                elements: w.read,
                for: convolution,
                table: context.table
            )
            unsafe convolution.run(
                x.read,
                filter: packed,
                into: y.pointer,
                epilogue: epilogue,
                scratch: scratch.bytes,
                context: context
            )
        } else {
            unsafe convolution.run(
                x.read,
                looseFilter: w.read,
                into: y.pointer,
                epilogue: epilogue,
                scratch: scratch.bytes,
                context: context
            )
        }
        return y.values
    }

    /// The definition in double precision, and the sum of the magnitudes of each output's terms.
    func definition(
        _ x: [Float],
        _ w: [Float],
        _ bias: [Float]?
    ) throws -> (values: [Double], magnitudes: [Double]) {
        let size = try #require(convolution).outputSize
        let filters = outputs / groups
        let channels = inputs / groups
        var values: [Double] = []
        var magnitudes: [Double] = []
        for n in 0..<batch {
            for m in 0..<outputs {
                for oy in 0..<size.height {
                    for ox in 0..<size.width {
                        var sum = Double(bias?[m] ?? 0)
                        var magnitude = abs(sum)
                        for ky in 0..<kernel.0 {
                            let iy = oy * stride.0 + ky * dilation.0 - leading.0
                            guard iy >= 0, iy < self.size.0 else { continue }
                            for kx in 0..<kernel.1 {
                                let ix = ox * stride.1 + kx * dilation.1 - leading.1
                                guard ix >= 0, ix < self.size.1 else { continue }
                                for c in 0..<channels {
                                    let plane = n * inputs + m / filters * channels + c
                                    let pixel = x[(plane * self.size.0 + iy) * self.size.1 + ix]
                                    let tap = ((m * channels + c) * kernel.0 + ky) * kernel.1 + kx
                                    let product = Double(pixel) * Double(w[tap])
                                    sum += product
                                    magnitude += abs(product)
                                }
                            }
                        }
                        values.append(sum)
                        magnitudes.append(magnitude)
                    }
                }
            }
        }
        return (values, magnitudes)
    }
}
