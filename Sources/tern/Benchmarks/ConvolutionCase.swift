import ArgumentParser
import TernKernels

/// A convolution of one image: CxHxW:MxKHxKW:STRIDE:PADDING:GROUPS.
///
/// An image of height 1 is one-dimensional: the stride counts along the row only. Padding is at both
/// ends of each axis along which the kernel is longer than 1.
struct ConvolutionCase: ExpressibleByArgument, CustomStringConvertible {
    let description: String
    let convolution: Convolution

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 5 else { return nil }
        let sizes = parts.map { $0.split(separator: "x").map { Int($0) ?? -1 } }
        guard sizes[0].count == 3, sizes[1].count == 3, sizes[2...].allSatisfy({ $0.count == 1 }),
            sizes.joined().allSatisfy({ 0...100_000 ~= $0 })
        else { return nil }
        let (image, filters) = (sizes[0], sizes[1])
        let (stride, padding, groups) = (sizes[2][0], sizes[3][0], sizes[4][0])
        let pads = Window.Extent(
            height: filters[1] > 1 ? padding : 0,
            width: filters[2] > 1 ? padding : 0
        )
        guard
            let convolution = Convolution(
                batchCount: 1,
                inputChannelCount: image[0],
                outputChannelCount: filters[0],
                groupCount: groups,
                inputSize: Window.Extent(height: image[1], width: image[2]),
                window: Window(
                    kernel: Window.Extent(height: filters[1], width: filters[2]),
                    stride: Window.Extent(height: image[1] > 1 ? stride : 1, width: stride),
                    leading: pads,
                    trailing: pads
                )
            ), convolution.depth > 0, convolution.outputElementCount > 0
        else { return nil }
        self.convolution = convolution
        description = argument
    }

    /// A multiplication and an addition count as two, whatever method saves some of them.
    var operationCount: Double {
        2 * Double(convolution.outputElementCount) * Double(convolution.depth)
    }

    /// Of real networks.
    static let inference = [
        "3x224x224:64x7x7:2:3:1", "64x56x56:64x1x1:1:0:1", "64x56x56:64x3x3:1:1:1",
        "256x56x56:128x1x1:1:0:1", "128x28x28:128x3x3:1:1:1", "256x14x14:256x3x3:1:1:1",
        "512x7x7:512x3x3:1:1:1", "32x112x112:32x3x3:1:1:32", "512x14x14:512x3x3:1:1:512",
        "80x1x3000:384x1x3:1:1:1",
    ].compactMap(ConvolutionCase.init(argument:))
}

extension Convolution {
    /// C · H · W.
    var inputElementCount: Int { inputChannelCount * inputSize.height * inputSize.width }

    /// M · oH · oW.
    var outputElementCount: Int { outputChannelCount * outputSize.height * outputSize.width }
}
