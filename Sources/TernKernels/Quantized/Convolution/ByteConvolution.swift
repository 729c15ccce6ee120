internal import TernMicrokernels

/// An image of bytes [N, C, H, W], dense, with what stands for zero in it.
@safe package struct ByteImage {
    /// The first byte.
    package let elements: UnsafeRawPointer
    /// Whether a byte is -128...127 rather than 0...255.
    package let isSigned: Bool
    /// Which number means zero; padding is this number.
    package let zeroPoint: Int32

    /// Describes an image.
    @unsafe package init(_ elements: UnsafeRawPointer, isSigned: Bool, zeroPoint: Int32) {
        unsafe self.elements = elements
        self.isSigned = isSigned
        self.zeroPoint = zeroPoint
    }

    /// The zero point of the bytes as they are multiplied, 0...255.
    internal var unsignedZeroPoint: Int32 { zeroPoint + (isSigned ? 128 : 0) }
}

/// How the exact sums of a convolution become bytes again:
/// `min(highest, max(lowest, roundToEven(float(acc)·factor) + zeroPoint))`.
///
/// `float(acc)` rounds to nearest, and so does the product; a NaN becomes the lowest byte. An
/// activation that is a bound, such as relu, is a narrower range.
@safe package struct ByteRequantization {
    /// The factor of all channels.
    package var factor: Float
    /// A factor for each of the M channels; read instead of ``factor`` if there are any.
    package var factors: UnsafePointer<Float>?
    /// The byte that means zero.
    package var zeroPoint: Int32
    /// The least byte.
    package var lowest: Int32
    /// The greatest byte.
    package var highest: Int32

    /// Takes the whole range of a byte, signed or not.
    @unsafe package init(
        factor: Float = 1,
        factors: UnsafePointer<Float>? = nil,
        zeroPoint: Int32,
        isSigned: Bool
    ) {
        self.factor = factor
        unsafe self.factors = factors
        self.zeroPoint = zeroPoint
        lowest = isSigned ? -128 : 0
        highest = isSigned ? 127 : 255
    }
}

/// A convolution of 8-bit integers: acc [N, M, oH, oW] = Σ (W - zero)·(X - zero) + B [M].
///
/// One- and two-dimensional, any group, stride, dilation and padding, every mixture of signed and
/// unsigned bytes. Sums are 32 bits wide and exact modulo 2³², so they have the same bits on every instruction
/// set, in any batch and on any number of threads. Patches are never written out: staged images are
/// read in place; see ``QuadGeometry``. Nothing is allocated.
package struct ByteConvolution: Sendable {
    /// What is stored.
    @safe package enum Result {
        /// The sums, Y [N, M, oH, oW].
        case integers(UnsafeMutablePointer<Int32>)
        /// Bytes made of them.
        case bytes(UnsafeMutableRawPointer, ByteRequantization)
    }

    /// Where the filters come from.
    @safe package enum Filters {
        /// Packed for the same channels, groups and kernel, and for the same instruction set.
        case packed(PackedByteFilter)
        /// An input of the call.
        case loose(ByteFilter)
    }

    /// The sizes.
    package let convolution: Convolution

    /// Takes the sizes from a convolution.
    package init(_ convolution: Convolution) { self.convolution = convolution }

    /// How much scratch memory a run needs, in bytes.
    ///
    /// - Parameters:
    ///   - context: Where it will run.
    ///   - filtersAreLoose: Whether the filters are an input of the call instead of packed.
    /// - Returns: The bytes.
    package func scratchByteCount(context: KernelContext, filtersAreLoose: Bool = false) -> Int {
        guard convolution.isNotEmpty else { return 0 }
        let panels = QuadPanels.byteCount(convolution, table: context.table)
        return planByteCount(context) + (filtersAreLoose ? panels : 0)
    }

    private func planByteCount(_ context: KernelContext) -> Int {
        QuadLanePlan.suits(convolution, context.table)
            ? QuadLanePlan(convolution, context).byteCount
            : QuadPlan(convolution, context).byteCount
    }

    /// Convolves.
    ///
    /// - Parameters:
    ///   - image: X, dense.
    ///   - filters: W.
    ///   - bias: What the sum of each of the M channels starts at.
    ///   - result: Y, dense; may not overlap X.
    ///   - scratch: 64-byte aligned memory of ``scratchByteCount(context:filtersAreLoose:)`` bytes.
    ///   - context: Where to run.
    @unsafe package func run(
        _ image: ByteImage,
        filters: Filters,
        bias: UnsafePointer<Int32>?,
        into result: Result,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        guard convolution.isNotEmpty else { return }
        let planByteCount = planByteCount(context)
        switch filters {
        case .packed(let filter):
            precondition(
                unsafe filter.panels.fit(convolution, context.table),
                "the packed filters belong to another convolution"
            )
            var memory = unsafe ScratchMemory(scratch, needed: planByteCount)
            unsafe run(image, filter.panels, bias, result, &memory, context)
        case .loose(let filter):
            let byteCount = QuadPanels.byteCount(convolution, table: context.table)
            var memory = unsafe ScratchMemory(scratch, needed: planByteCount + byteCount)
            let panels = unsafe QuadPanels(
                filter,
                for: convolution,
                table: context.table,
                into: memory.bytes(byteCount)
            )
            unsafe run(image, panels, bias, result, &memory, context)
        }
    }

    @unsafe private func run(
        _ image: ByteImage,
        _ panels: QuadPanels,
        _ bias: UnsafePointer<Int32>?,
        _ result: Result,
        _ memory: inout ScratchMemory,
        _ context: KernelContext
    ) {
        if QuadLanePlan.suits(convolution, context.table) {
            let plan = QuadLanePlan(convolution, context)
            unsafe QuadLaneDriver.run(plan, image, panels, bias, result, &memory, context)
        } else {
            let plan = QuadPlan(convolution, context)
            unsafe QuadDriver.run(plan, image, panels, bias, result, &memory, context)
        }
    }
}
