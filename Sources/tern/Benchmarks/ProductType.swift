import ArgumentParser
import TernKernels

/// What the numbers of a timed product are.
enum ProductType: String, CaseIterable, ExpressibleByArgument {
    /// 32-bit floats.
    case f32
    /// Unsigned by signed bytes, 32-bit sums.
    case u8s8
    /// Signed by signed bytes, 32-bit sums.
    case s8s8
    /// Unsigned by unsigned bytes, 32-bit sums.
    case u8u8
    /// bfloat16, sums of 32-bit floats.
    case bf16
    /// Floats by weights of 4 bits in blocks of 32, computed in bytes.
    case q4
    /// Floats by weights of 8 bits in blocks of 32, computed in bytes.
    case q8

    /// The arithmetic whose peak is the most a product can do.
    var arithmetic: PeakWork.Arithmetic {
        switch self {
        case .f32: .floats
        case .bf16: .bfloats
        case .u8s8, .s8s8, .u8u8, .q4, .q8: .bytes
        }
    }

    /// The bytes of a packed right-hand side, without sums of columns.
    func byteCount(of shape: ProductShape) -> Double {
        let elements = Double(shape.depth * shape.columnCount)
        return switch self {
        case .f32: elements * 4
        case .bf16: elements * 2
        case .u8s8, .s8s8, .u8u8: elements
        // With a scale of 4 bytes for each block.
        case .q4: elements * (0.5 + 4.0 / 32)
        case .q8: elements * (1 + 4.0 / 32)
        }
    }

    /// Prepares a product of this type.
    func work(
        _ shape: ProductShape,
        copyCount: Int,
        resultCount: Int,
        context: KernelContext
    ) -> any BenchmarkedWork {
        switch self {
        case .f32:
            FloatProductWork(
                shape,
                copyCount: copyCount,
                resultCount: resultCount,
                context: context
            )
        case .u8s8, .s8s8, .u8u8:
            IntegerProductWork(
                shape,
                aIsSigned: self == .s8s8,
                bIsSigned: self != .u8u8,
                copyCount: copyCount,
                resultCount: resultCount,
                context: context
            )
        case .bf16:
            BFloatProductWork(
                shape,
                copyCount: copyCount,
                resultCount: resultCount,
                context: context
            )
        case .q4, .q8:
            BlockProductWork(
                shape,
                bitCount: self == .q4 ? 4 : 8,
                copyCount: copyCount,
                resultCount: resultCount,
                context: context
            )
        }
    }
    /// Whether there are convolutions of this type.
    var hasConvolutions: Bool {
        switch self {
        case .f32, .u8s8, .s8s8, .u8u8: true
        case .bf16, .q4, .q8: false
        }
    }

    /// Prepares a convolution of this type; `nil` if there is none.
    func work(
        _ convolution: Convolution,
        resultCount: Int,
        context: KernelContext
    ) -> (any BenchmarkedWork)? {
        switch self {
        case .f32: ConvolutionWork(convolution, resultCount: resultCount, context: context)
        case .u8s8, .s8s8, .u8u8:
            ByteConvolutionWork(
                convolution,
                imageIsSigned: self == .s8s8,
                filtersAreSigned: self != .u8u8,
                resultCount: resultCount,
                context: context
            )
        case .bf16, .q4, .q8: nil
        }
    }
}
