import TernKernels
package import TernTensor

/// Packed weights as a file keeps them: of which weight, in which way, and the bytes.
package struct PreparedPanels: Sendable {
    /// The memory of the weight that was packed.
    package let weight: AlignedBuffer
    /// How it was packed, in the words of the operator that did; see
    /// ``NodeContext/packed(from:variant:_:)``.
    package let variant: String
    /// The layout, as ``PackedWeights/kind``.
    package let kind: String
    /// The packed bytes, in the order in which packing asks for memory.
    package let memory: [AlignedBuffer]

    /// Describes packed weights.
    package init(weight: AlignedBuffer, variant: String, kind: String, memory: [AlignedBuffer]) {
        self.weight = weight
        self.variant = variant
        self.kind = kind
        self.memory = memory
    }
}

/// Packed weights that a model came with, to be found by what an operator is about to pack.
struct LentPanels: Sendable {
    private struct Key: Hashable {
        let weight: ObjectIdentifier
        let variant: String
        let kind: String
    }

    /// Keeps the weights' memory too, so that no other takes over their identity.
    private let table: [Key: PreparedPanels]

    init(_ panels: [PreparedPanels]) {
        table = Dictionary(
            panels.map {
                let weight = ObjectIdentifier($0.weight)
                return (Key(weight: weight, variant: $0.variant, kind: $0.kind), $0)
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The memory for packing a weight: lent, if it was packed in this way before.
    func memory(for weight: AlignedBuffer, variant: String, kind: String) -> PanelMemory {
        let key = Key(weight: ObjectIdentifier(weight), variant: variant, kind: kind)
        return PanelMemory(lent: table[key]?.memory ?? [])
    }
}
