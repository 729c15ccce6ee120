internal import TernTensor
package import TernWire

/// What requests must have in common to share a batch: the sizes of every axis that a model leaves
/// open, but the first.
package struct BatchKind: Equatable, Sendable {
    /// Sixteen bits for each of up to four sizes.
    private var sizes: UInt64 = 0
    private var count = 0

    package init() {}

    /// Takes a size in; `false` if there is no room for it.
    package mutating func add(_ size: Int) -> Bool {
        guard count < 4, size < 1 << 16 else { return false }
        sizes = sizes << 16 | UInt64(size)
        count += 1
        return true
    }
}

/// How requests of a model can be put together: row after row along the first axis, which every input
/// and every output must have, open and of one size.
///
/// The model's word that its axes are of one size is not enough for computing rows together: that
/// rows don't touch each other shows when ``BatchProbe`` tries it.
package struct BatchContract: Sendable {
    private let inputs: InputContract

    /// Reads what a model says of its axes.
    ///
    /// - Returns: `nil` if its requests cannot be put together.
    package init?(inputs: InputContract, outputs: OutputContract) {
        guard !inputs.descriptors.isEmpty, !outputs.descriptors.isEmpty else { return nil }
        for (index, descriptor) in inputs.descriptors.enumerated() {
            guard descriptor.elementType.byteCount != nil,
                let axes = inputs.axes[index], let first = axes.first
            else { return nil }
            switch first {
            case .fixed: return nil
            case .any: guard inputs.count == 1 else { return nil }
            case .sameAs(let other, let axis): guard other == 0, axis == 0 else { return nil }
            }
            // The number of rows may stand nowhere else.
            for axis in axes.dropFirst() where axis == .sameAs(input: 0, axis: 0) { return nil }
        }
        for descriptor in outputs.descriptors {
            guard descriptor.elementType.byteCount != nil,
                let first = descriptor.dimensions?.first, first.fixedSize == nil
            else { return nil }
        }
        self.inputs = inputs
    }

    /// The rows of a validated request, and which requests it can share a batch with.
    ///
    /// Allocates nothing.
    ///
    /// - Returns: `nil` if it must run alone.
    package func share(of request: borrowing ModelInferRequestView) -> (rows: Int, kind: BatchKind)?
    {
        var iterator = request.inputs
        var kind = BatchKind()
        var position = 0
        var rowCount = 0
        while let input = iterator.next() {
            // Kinds are compared by place, so a request in another order runs alone.
            guard inputs.index(named: input.name, guess: position) == position,
                let axes = inputs.axes[position], input.shape.rank == axes.count
            else { return nil }
            if position == 0 { rowCount = input.shape[0] }
            guard input.shape[0] == rowCount else { return nil }
            for axis in 1..<Swift.max(axes.count, 1) {
                if case .fixed = axes[axis] { continue }
                guard kind.add(input.shape[axis]) else { return nil }
            }
            position += 1
        }
        return rowCount > 0 ? (rowCount, kind) : nil
    }
}
