import Foundation
import TernONNX
import TernRuntime
import TernTensor
import TernThreadPool

/// How long calls take of which each has a shape of its own, and how long when they are repeated.
struct NewShapes {
    private let path: String
    private let inputs: Set<Int>
    private let axis: Int
    private let sizes: ClosedRange<Int>

    init(_ arguments: ArraySlice<String>) throws {
        let arguments = Array(arguments)
        path = arguments[0]
        inputs = Set(arguments[1].split(separator: ",").compactMap { Int($0) })
        axis = Int(arguments[2]) ?? 0
        let ends = arguments[3].split(separator: ".").compactMap { Int($0) }
        sizes = ends[0]...ends[ends.count - 1]
    }

    /// Prints how long calls take.
    ///
    /// - Parameter inBackground: Whether plans are compiled by another thread; the answers are then
    ///   also held against those of planned calls.
    /// - Throws: What reading or running the model throws.
    func measure(inBackground: Bool) throws {
        let graph = try ONNXModel(contentsOf: path + "/model.onnx").graph
        let pool = ThreadPool(workerCount: ThreadPool.availableProcessorCount - 1)
        let model = try CompiledModel(graph, pool: pool)
        let session = Session(model, compilation: inBackground ? .inBackground : .inPlace)
        let stored = try model.inputs.indices.map {
            try TensorFile.read("\(path)/test_data_set_0/input_\($0).pb").tensor
        }
        // The first call is not about shapes.
        try call(session, stored)
        var order = Array(sizes)
        var random = SystemRandomNumberGenerator()
        order.shuffle(using: &random)
        var new: [Double] = []
        for size in order { new.append(try call(session, resized(stored, to: size))) }
        var again: [Double] = []
        for _ in 0..<3 {
            again = []
            for size in order.suffix(16) {
                again.append(try call(session, resized(stored, to: size)))
            }
            Thread.sleep(forTimeInterval: 0.5)
        }
        if inBackground {
            let planned = Session(model)
            for size in order.shuffled() {
                let tensors = resized(stored, to: size)
                // The first size that is large enough to have been evicted, or any other.
                let fresh = Session(
                    try CompiledModel(graph, pool: pool),
                    compilation: .inBackground
                )
                try call(planned, tensors)
                try call(fresh, tensors)
                for index in model.outputs.indices {
                    precondition(
                        planned.output(index).bytesAreEqual(to: fresh.output(index)),
                        "output \(index) differs without a plan, size \(size)"
                    )
                }
                break
            }
        }
        print(inBackground ? "in the background" : "in place")
        print("new shapes:      \(Self.summary(new))")
        print("the last again:  \(Self.summary(again))")
    }

    /// Prints how long it takes to compile plans, without running any.
    func measureCompilation() throws {
        let graph = try ONNXModel(contentsOf: path + "/model.onnx").graph
        let model = try CompiledModel(graph)
        let stored = try model.inputs.indices.map {
            try TensorFile.read("\(path)/test_data_set_0/input_\($0).pb").tensor
        }
        let clock = ContinuousClock()
        var times: [Double] = []
        for size in sizes {
            let shapes = resized(stored, to: size).map(\.shape)
            let start = clock.now
            try model.prepare(inputShapes: shapes)
            times.append((clock.now - start) / .milliseconds(1))
        }
        print("compilation: \(Self.summary(times)), min \(times.min() ?? 0)")
    }

    @discardableResult
    private func call(_ session: Session, _ tensors: [Tensor]) throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        for (index, tensor) in tensors.enumerated() { try session.bindInput(index, tensor) }
        try session.run()
        return (clock.now - start) / .milliseconds(1)
    }

    private static func summary(_ times: [Double]) -> String {
        let sorted = times.sorted()
        func at(_ share: Double) -> String {
            String(format: "%.3f", sorted[Int(share * Double(sorted.count - 1))])
        }
        return "p50 \(at(0.5)) ms, p90 \(at(0.9)) ms, p99 \(at(0.99)) ms, max \(at(1)) ms"
    }

    /// The stored inputs with another size of the axis: cut off, or repeated from the start.
    private func resized(_ tensors: [Tensor], to size: Int) -> [Tensor] {
        tensors.enumerated().map { index, tensor in
            guard inputs.contains(index) else { return tensor }
            var sizes = Array(tensor.shape)
            let old = sizes[axis]
            sizes[axis] = size
            let outer = sizes.prefix(axis).reduce(1, *)
            let inner = tensor.storage.byteCount / (outer * old)
            let storage = AlignedBuffer(byteCount: outer * size * inner)
            unsafe storage.withMutableBytes { target in
                unsafe tensor.bytes.withUnsafeBytes { source in
                    for row in 0..<outer {
                        for position in 0..<size {
                            let from = (row * old + position % old) * inner
                            let to = (row * size + position) * inner
                            unsafe UnsafeMutableRawBufferPointer(
                                rebasing: target[to..<(to + inner)]
                            ).copyBytes(from: source[from..<(from + inner)])
                        }
                    }
                }
            }
            return Tensor(elementType: tensor.elementType, shape: Shape(sizes), storage: storage)
        }
    }
}

extension Tensor {
    fileprivate func bytesAreEqual(to other: Tensor) -> Bool {
        guard shape == other.shape else { return false }
        let (left, right) = (bytes, other.bytes)
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in unsafe left.elementsEqual(right) }
        }
    }
}
