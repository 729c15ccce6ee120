import TernKernels
import TernMicrokernels

/// The numbers of a convolution of bytes, and how they are stored.
struct ByteConvolutionOperands {
    let x: [Int32]
    let w: [Int32]
    let bias: [Int32]?
    let imageIsSigned: Bool
    let filtersAreSigned: Bool
    let imageZero: Int32
    let filterZeros: [Int32]

    /// Numbers over the whole range, among them the ends.
    init(
        _ shape: ConvolutionCase,
        imageIsSigned: Bool,
        filtersAreSigned: Bool,
        filterZeros: Bool,
        hasBias: Bool = true,
        seed: UInt64 = 1
    ) {
        var numbers = Numbers(seed: seed)
        func byte(_ isSigned: Bool) -> Int32 {
            let least: Int32 = isSigned ? -128 : 0
            let n = numbers.next()
            return n & 0x700 == 0
                ? least + 255 : n & 0x700 == 0x100 ? least : least + Int32(n & 255)
        }
        x = (0..<shape.inputCount).map { _ in byte(imageIsSigned) }
        w = (0..<shape.filterCount).map { _ in byte(filtersAreSigned) }
        bias =
            hasBias
            ? (0..<shape.outputs).map { _ in Int32(truncatingIfNeeded: numbers.next()) >> 14 }
            : nil
        self.imageIsSigned = imageIsSigned
        self.filtersAreSigned = filtersAreSigned
        imageZero = byte(imageIsSigned)
        self.filterZeros = (0..<shape.outputs).map { _ in
            filterZeros ? byte(filtersAreSigned) : filtersAreSigned ? 0 : 128
        }
    }
}

extension ScalarTwin {
    /// Σ (w - zero)·(x - zero) + bias, in integers modulo 2³², over the taps inside the image.
    static func byteConvolution(
        _ shape: ConvolutionCase,
        _ size: Window.Extent,
        _ operands: ByteConvolutionOperands
    ) -> [Int32] {
        let filters = shape.outputs / shape.groups
        let channels = shape.inputs / shape.groups
        var result: [Int32] = []
        for n in 0..<shape.batch {
            for m in 0..<shape.outputs {
                for oy in 0..<size.height {
                    for ox in 0..<size.width {
                        var sum = operands.bias?[m] ?? 0
                        for ky in 0..<shape.kernel.0 {
                            let iy = oy * shape.stride.0 + ky * shape.dilation.0 - shape.leading.0
                            guard iy >= 0, iy < shape.size.0 else { continue }
                            for kx in 0..<shape.kernel.1 {
                                let ix =
                                    ox * shape.stride.1 + kx * shape.dilation.1 - shape.leading.1
                                guard ix >= 0, ix < shape.size.1 else { continue }
                                for c in 0..<channels {
                                    let plane = n * shape.inputs + m / filters * channels + c
                                    let pixel = (plane * shape.size.0 + iy) * shape.size.1 + ix
                                    let tap =
                                        ((m * channels + c) * shape.kernel.0 + ky) * shape.kernel.1
                                        + kx
                                    sum &+=
                                        (operands.x[pixel] - operands.imageZero)
                                        &* (operands.w[tap] - operands.filterZeros[m])
                                }
                            }
                        }
                        result.append(sum)
                    }
                }
            }
        }
        return result
    }

    /// A sum as a byte again.
    static func requantize(
        _ sum: Int32,
        _ factor: Float,
        zeroPoint: Int32,
        range: ClosedRange<Int32>
    )
        -> Int32
    {
        let v = (Float(sum) * factor).rounded(.toNearestOrEven)
        if v.isNaN { return range.lowerBound }
        let shifted = Double(v) + Double(zeroPoint)
        return Int32(min(max(shifted, Double(range.lowerBound)), Double(range.upperBound)))
    }
}
