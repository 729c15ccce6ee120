package import TernMicrokernels
package import TernTensor

/// The filters of a transposed convolution, packed for the convolutions of its phases.
///
/// Made once, when a model is loaded; immutable and shared by any number of threads. Filters packed for
/// one image size serve every other whose phases have the same ``variant(of:table:)``.
@safe package final class PackedTransposedFilter: PackedWeights {
    package static let kind = "transposed filter"

    internal let phases: [PackedFilter?]

    /// Packs filters.
    ///
    /// - Parameters:
    ///   - elements: W [C, M/group, kH, kW], dense.
    ///   - convolution: What they are filters of.
    ///   - table: The kernels that will read it.
    ///   - memory: Where the filters go, or lie already.
    @unsafe package init(
        elements: UnsafePointer<Float>,
        for convolution: TransposedConvolution,
        table: KernelTable = .current,
        memory: PanelMemory = PanelMemory()
    ) {
        phases = convolution.phases.map { phase in
            guard let part = phase.convolution else { return nil }
            // One more, so that an array without elements has an address.
            let count = part.outputChannelCount * part.depth + 1
            var filter = [Float](repeating: 0, count: count)
            return unsafe filter.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return nil }
                unsafe convolution.writeFilter(phase, from: elements, into: base)
                return unsafe PackedFilter(elements: base, for: part, table: table, memory: memory)
            }
        }
    }

    /// The filters of all phases, as they can be lent.
    package var panelMemory: [AlignedBuffer] { phases.flatMap { $0?.panelMemory ?? [] } }

    /// Names the layout of the filters, which depends on the image's size.
    package static func variant(
        of convolution: TransposedConvolution,
        table: KernelTable
    ) -> String {
        let parts = convolution.phases.map { phase in
            let taps = "\(phase.rows.firstTap) \(phase.columns.firstTap)"
            return "\(phase.convolution?.method(table: table).rawValue ?? "none") \(taps)"
        }
        return "\(convolution.groupCount) \(convolution.window.stride) \(parts)"
    }
}
