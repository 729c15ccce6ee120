package import TernMicrokernels
package import TernTensor

/// Weights in the layout that kernels read, as memory that can be kept in a file and lent again.
package protocol PackedWeights: Sendable {
    /// Names the layout; the same words in every process.
    static var kind: String { get }

    /// All memory it takes, in the order in which packing asks for it.
    var panelMemory: [AlignedBuffer] { get }
}

extension Array: PackedWeights where Element: PackedWeights {
    /// Several of the same kind.
    package static var kind: String { "\(Element.kind) list" }

    /// The memory of one after the other.
    package var panelMemory: [AlignedBuffer] { flatMap(\.panelMemory) }
}

/// Where packed weights get their memory: new memory to be filled, or memory that holds them already.
///
/// Lent memory is taken only if it is as long as what is asked for, so that kernels stay inside it
/// whatever it holds. That it holds what was asked for is the word of whoever lends it.
package final class PanelMemory {
    private var lent: ArraySlice<AlignedBuffer>

    /// Starts with memory that was packed before, in the order in which packing asks for it.
    package init(lent: [AlignedBuffer] = []) { self.lent = lent[...] }

    /// The next memory.
    ///
    /// - Parameter byteCount: How much is needed.
    /// - Returns: The memory, and whether it holds packed weights; new memory is zeroed.
    internal func next(byteCount: Int) -> (storage: AlignedBuffer, isPacked: Bool) {
        if let first = lent.popFirst() {
            if first.byteCount == byteCount { return (first, true) }
            // What follows belongs to another packing as well.
            lent = []
        }
        return (AlignedBuffer(byteCount: byteCount), false)
    }
}

extension KernelTable {
    /// What stored panels must be packed for to be read by these kernels: the instruction set, its
    /// sizes, the version of the layouts, and whether Winograd's methods are used.
    package var packingIdentity: String {
        "\(name) lanes \(laneCount) panel \(panelWidth) rows \(blockRowCount) layout "
            + "\(Self.panelLayoutVersion)"
            + (ConvolutionMethod.allowsWinograd ? "" : " no winograd")
    }

    /// The version of all layouts of packed weights together.
    ///
    /// One more whenever the bytes of any of them change, which `PanelLayoutTests` notices.
    package static let panelLayoutVersion = 1
}
