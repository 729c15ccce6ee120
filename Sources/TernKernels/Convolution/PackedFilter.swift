package import TernMicrokernels
internal import TernTensor

/// The filters of a convolution, kept in the layout its kernels read.
///
/// Made once, when a model is loaded; immutable and shared by any number of threads.
@safe package final class PackedFilter: Sendable {
    /// M, the output channels.
    package let outputChannelCount: Int
    /// C / group · kH · kW.
    package let depth: Int
    private let storage: AlignedBuffer

    /// Packs filters.
    ///
    /// - Parameters:
    ///   - elements: W [M, C/group, kH, kW], dense.
    ///   - outputChannelCount: M.
    ///   - depth: C / group · kH · kW.
    ///   - table: The kernels that will read it.
    @unsafe package init(
        elements: UnsafePointer<Float>,
        outputChannelCount: Int,
        depth: Int,
        table: KernelTable = .current
    ) {
        precondition(
            outputChannelCount >= 0 && depth >= 0,
            "filters cannot have a negative size"
        )
        self.outputChannelCount = outputChannelCount
        self.depth = depth
        let byteCount = outputChannelCount * depth * MemoryLayout<Float>.stride
        storage = AlignedBuffer(byteCount: byteCount)
        // SAFETY: both sides have as many bytes.
        unsafe storage.baseAddress.copyMemory(from: elements, byteCount: byteCount)
    }

    /// The filters, one row of ``depth`` floats per output channel.
    @unsafe internal var rows: UnsafePointer<Float> {
        unsafe UnsafePointer(storage.baseAddress.assumingMemoryBound(to: Float.self))
    }
}
