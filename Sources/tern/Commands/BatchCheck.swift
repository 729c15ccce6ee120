import TernGraph
import TernONNX
import TernRuntime
import TernTensor

/// Whether a model's answers to one item have the same bits whatever is computed beside it: alone and
/// in batches, on one thread and on several.
///
/// An input's batch axis is the one whose name has `batch` in it, or else its first axis of any size,
/// unless that has the name of a length of time. An output's is the one that grows with the batch.
/// The items are those of a data set, and rotations of them.
///
/// A model that finds the scale of its bytes anew in each call (DynamicQuantizeLinear) is defined to
/// give answers that depend on all of the call's items: its batches hold the same item several times.
struct BatchCheck {
    /// How many items the batches have: each kernel's full tiles and what may be left over.
    static let batchSizes = [2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 31, 32]
    /// How many threads calls may use.
    static let threadCounts = 1...4

    /// What was found.
    enum Outcome {
        /// All bits were equal, in so many calls; whether items were told apart.
        case equal(callCount: Int, itemCount: Int)
        /// The model has no batch axis.
        case noBatch
        /// Some bit was not; the sentence says where.
        case different(String)
    }

    private let folder: String
    private let set: String
    private var axes: [Int?] = []

    /// Sets the check up.
    ///
    /// - Parameters:
    ///   - folder: The model's folder.
    ///   - set: A folder with stored inputs.
    init(_ folder: String, set: String) {
        self.folder = folder
        self.set = set
    }

    /// Runs the model on its items alone and in batches.
    mutating func run() throws -> Outcome {
        let single = try LocalModel(folder, threadCount: 1)
        let inputs = try TensorFolder.read(set, role: .input, of: single.model.inputs)
        guard let axes = Self.batchAxes(single.model.inputs) else { return .noBatch }
        self.axes = axes
        let source = try ModelLoading.read(single.path).graph
        let findsScales = source.nodes.contains { $0.operatorName.hasPrefix("Dynamic") }
        let items = items(of: inputs, limit: findsScales ? 1 : 4)
        let expected = try items.map { try single.run($0) }
        var callCount = 0
        for threadCount in Self.threadCounts {
            let local = try LocalModel(folder, threadCount: threadCount)
            for size in [1] + Self.batchSizes {
                // Every item is once the first of a batch.
                for first in items.indices where size == 1 || first == size % items.count {
                    let chosen = (0..<size).map { (first + $0) % items.count }
                    let outputs = try local.run(batch(chosen.map { items[$0] }))
                    callCount += 1
                    if let problem = difference(outputs, chosen, expected) {
                        return .different("\(problem), \(size) items, \(threadCount) threads")
                    }
                }
            }
        }
        return .equal(callCount: callCount, itemCount: items.count)
    }

    /// The batch axis of each input; `nil` where the input has none, or if no input has one.
    private static func batchAxes(_ inputs: [TensorDescriptor]) -> [Int?]? {
        func name(_ dimension: Dimension) -> String {
            if case .symbolic(let name) = dimension { name.lowercased() } else { "" }
        }
        let axes = inputs.map { input -> Int? in
            let dimensions = input.dimensions ?? []
            if let named = dimensions.firstIndex(where: { name($0).contains("batch") }) {
                return named
            }
            guard let open = dimensions.firstIndex(where: { $0.fixedSize == nil }) else {
                return nil
            }
            let isTime = ["seq", "time", "len"].contains { name(dimensions[open]).contains($0) }
            return isTime ? nil : open
        }
        return axes.contains { $0 != nil } ? axes : nil
    }

    // MARK: - Items

    /// Single items: those of the inputs, then rotations of the first.
    private func items(of inputs: [Tensor], limit: Int) -> [[Tensor]] {
        var count = Int.max
        for (tensor, axis) in zip(inputs, axes) {
            if let axis { count = min(count, tensor.shape[axis]) }
        }
        var items = (0..<min(count, limit)).map { index in
            zip(inputs, axes).map { tensor, axis in
                axis.map { Self.slice(tensor, axis: $0, at: index) } ?? tensor
            }
        }
        while items.count < limit {
            let step = items.count
            items.append(
                zip(items[0], axes).map { tensor, axis in
                    axis == nil ? tensor : Self.rotated(tensor, by: step)
                }
            )
        }
        return items
    }

    private func batch(_ items: [[Tensor]]) -> [Tensor] {
        axes.indices.map { index in
            axes[index].map { axis in Self.joined(items.map { $0[index] }, axis: axis) }
                ?? items[0][index]
        }
    }

    // MARK: - Comparing

    /// Where a call's outputs are not those of its items alone; `nil` if nowhere.
    private func difference(
        _ outputs: [Tensor],
        _ chosen: [Int],
        _ expected: [[Tensor]]
    ) -> String? {
        for (index, output) in outputs.enumerated() {
            let alone = expected[chosen[0]][index]
            let single = alone.shape
            guard chosen.count > 1 else {
                if output.shape != single || !Self.isEqual(output, alone) {
                    return "output \(index) differs from the same item's"
                }
                continue
            }
            guard output.shape.rank == single.rank,
                let axis = single.indices.first(where: {
                    single[$0] != output.shape[$0] && output.shape[$0] == single[$0] * chosen.count
                })
            else { return "output \(index) is \(output.shape), of one item \(single)" }
            for (position, item) in chosen.enumerated() {
                let size = single[axis]
                for part in 0..<size {
                    let found = Self.slice(output, axis: axis, at: position * size + part)
                    let wanted = Self.slice(expected[item][index], axis: axis, at: part)
                    if !Self.isEqual(found, wanted) {
                        return "output \(index) of item \(position)"
                    }
                }
            }
        }
        return nil
    }

    private static func isEqual(_ a: Tensor, _ b: Tensor) -> Bool {
        guard a.storage.byteCount == b.storage.byteCount else { return false }
        let (left, right) = (a.bytes, b.bytes)
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in unsafe left.elementsEqual(right) }
        }
    }

    // MARK: - Tensors

    /// What lies at one index of an axis, which then has size 1.
    private static func slice(_ tensor: Tensor, axis: Int, at index: Int) -> Tensor {
        var sizes = Array(tensor.shape)
        let count = sizes[axis]
        sizes[axis] = 1
        let outer = sizes.prefix(axis).reduce(1, *)
        let storage = AlignedBuffer(byteCount: tensor.storage.byteCount / max(count, 1))
        let block = storage.byteCount / max(outer, 1)
        unsafe storage.withMutableBytes { target in
            unsafe tensor.bytes.withUnsafeBytes { source in
                for row in 0..<outer {
                    let start = (row * count + index) * block
                    unsafe UnsafeMutableRawBufferPointer(
                        rebasing: target[(row * block)..<((row + 1) * block)]
                    ).copyBytes(from: source[start..<(start + block)])
                }
            }
        }
        return Tensor(elementType: tensor.elementType, shape: Shape(sizes), storage: storage)
    }

    /// Tensors of size 1 along an axis, side by side.
    private static func joined(_ tensors: [Tensor], axis: Int) -> Tensor {
        var sizes = Array(tensors[0].shape)
        sizes[axis] = tensors.count
        let outer = sizes.prefix(axis).reduce(1, *)
        let storage = AlignedBuffer(
            byteCount: tensors.reduce(0) { $0 + $1.storage.byteCount }
        )
        let block = storage.byteCount / max(outer * tensors.count, 1)
        unsafe storage.withMutableBytes { target in
            for (position, tensor) in tensors.enumerated() {
                unsafe tensor.bytes.withUnsafeBytes { source in
                    for row in 0..<outer {
                        let start = (row * tensors.count + position) * block
                        unsafe UnsafeMutableRawBufferPointer(
                            rebasing: target[start..<(start + block)]
                        ).copyBytes(from: source[(row * block)..<((row + 1) * block)])
                    }
                }
            }
        }
        return Tensor(elementType: tensors[0].elementType, shape: Shape(sizes), storage: storage)
    }

    /// The same elements, each some places further on.
    private static func rotated(_ tensor: Tensor, by step: Int) -> Tensor {
        let count = tensor.shape.elementCount
        guard count > 1, let size = tensor.elementType.byteCount else { return tensor }
        let cut = (step * (count / 3 + 1)) % count * size
        let storage = AlignedBuffer(byteCount: tensor.storage.byteCount)
        unsafe storage.withMutableBytes { target in
            unsafe tensor.bytes.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[..<(source.count - cut)])
                    .copyBytes(from: source[cut...])
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[(source.count - cut)...])
                    .copyBytes(from: source[..<cut])
            }
        }
        return Tensor(elementType: tensor.elementType, shape: tensor.shape, storage: storage)
    }
}
