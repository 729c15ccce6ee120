internal import TernRuntime
internal import TernTensor
internal import TernTransport

/// Finds out, while a model is loaded, whether its requests can run together and how many rows
/// together are worth it.
///
/// A batch makes its first row wait for its last, so it must pay: a row alone must take as long as
/// receiving and answering a request do, for else there is nothing to save, and from one number of rows
/// to its double a row must become cheaper by a tenth. And it must not change anything: each row of
/// the batch is held against the same row run alone, bit by bit.
package struct BatchProbe: Sendable {
    /// The most rows that are tried.
    package let rowLimit: Int
    /// How long the whole probe may take, about.
    package let budgetNanoseconds: UInt64

    /// The share of its time that a row must lose when the number of rows doubles.
    private static let leastGain = 0.1
    /// What a row alone must take, in nanoseconds.
    private static let leastRowNanoseconds: UInt64 = 10_000
    /// The size that open axes other than the first get.
    private static let openSize = 8
    /// How often and how long each number of rows runs at least; the quickest run counts.
    private static let repeatCount = 4
    private static let leastNanoseconds: UInt64 = 2_000_000

    package init(rowLimit: Int, budgetNanoseconds: UInt64 = 500_000_000) {
        self.rowLimit = rowLimit
        self.budgetNanoseconds = budgetNanoseconds
    }

    /// Tries batches of 2, 4, 8… rows.
    ///
    /// - Parameters:
    ///   - model: What to try.
    ///   - executor: Where to run it; nobody else uses it.
    ///   - inputs: What the model takes, with an open first axis each.
    ///   - outputs: What it gives.
    /// - Returns: The most rows that are worth it, a power of two; 1 if none is, if rows depend on
    ///   each other, or if the model doesn't take the values tried.
    package func worthwhileRowCount(
        of model: any ExecutableModel,
        on executor: any ModelExecutor,
        inputs: InputContract,
        outputs: OutputContract
    ) -> Int {
        let end = MonotonicClock.nanoseconds &+ budgetNanoseconds
        let tries = ProbeInputs(inputs.descriptors, rowCount: rowLimit, openSize: Self.openSize)
        var best = 1
        do throws(ExecutionFailure) {
            var alone: [[[UInt8]]] = []
            model.prepare(for: tries.shapes(rowCount: 1))
            var before = try time(executor, tries, rows: 0..<1)
            guard before >= Self.leastRowNanoseconds else { return 1 }
            while best * 2 <= rowLimit {
                let count = best * 2
                let row = Double(before) / Double(best)
                guard MonotonicClock.nanoseconds &+ UInt64(row * Double(count)) < end else { break }
                while alone.count < count {
                    let index = alone.count
                    try run(executor, tries, rows: index..<index + 1)
                    alone.append(outputs.descriptors.indices.map { bytes(of: $0, executor) })
                }
                model.prepare(for: tries.shapes(rowCount: count))
                try run(executor, tries, rows: 0..<count)
                for output in outputs.descriptors.indices {
                    let shape = executor.outputShape(output)
                    guard shape.rank > 0, shape[0] == count,
                        bytes(of: output, executor) == alone.prefix(count).flatMap({ $0[output] })
                    else { return 1 }
                }
                let now = try time(executor, tries, rows: 0..<count)
                guard Double(now) / Double(count) < row * (1 - Self.leastGain) else {
                    break
                }
                best = count
                before = now
            }
        } catch {
            return 1
        }
        return best
    }

    /// The shortest time that the model takes for these rows, in nanoseconds.
    private func time(
        _ executor: any ModelExecutor,
        _ tries: ProbeInputs,
        rows: Range<Int>
    ) throws(ExecutionFailure) -> UInt64 {
        let begin = MonotonicClock.nanoseconds
        var least = UInt64.max
        var count = 0
        while count < Self.repeatCount
            || MonotonicClock.nanoseconds &- begin < Self.leastNanoseconds
        {
            let start = MonotonicClock.nanoseconds
            try run(executor, tries, rows: rows)
            least = min(least, MonotonicClock.nanoseconds &- start)
            count += 1
        }
        return least
    }

    private func run(
        _ executor: any ModelExecutor,
        _ tries: ProbeInputs,
        rows: Range<Int>
    ) throws(ExecutionFailure) {
        for input in tries.indices {
            try executor.bindInput(
                input,
                tries.bytes(of: input, rows: rows),
                shape: tries.shape(of: input, rowCount: rows.count)
            )
        }
        try executor.run(unless: Interruption())
    }

    private func bytes(of output: Int, _ executor: any ModelExecutor) -> [UInt8] {
        unsafe executor.outputBytes(output).withUnsafeBytes { unsafe Array($0) }
    }
}

/// Values to try a model with: floats between -1 and 1, integers and truth values of 0 and 1, which
/// are an index or a mask wherever one is asked for; rows differ from each other.
private struct ProbeInputs {
    private let buffers: [AlignedBuffer]
    private let rowShapes: [Shape]
    private let rowByteCounts: [Int]

    init(_ descriptors: [TensorDescriptor], rowCount: Int, openSize: Int) {
        var generator = SplitMix(state: 0x5eed)
        var buffers: [AlignedBuffer] = []
        var shapes: [Shape] = []
        var counts: [Int] = []
        for descriptor in descriptors {
            let sizes = (descriptor.dimensions ?? []).dropFirst().map { $0.fixedSize ?? openSize }
            let shape = Shape([1] + sizes)
            let byteCount = shape.byteCount(of: descriptor.elementType) ?? 0
            let buffer = AlignedBuffer(byteCount: byteCount * rowCount)
            fill(buffer, descriptor.elementType, &generator)
            buffers.append(buffer)
            shapes.append(shape)
            counts.append(byteCount)
        }
        self.buffers = buffers
        rowShapes = shapes
        rowByteCounts = counts
    }

    var indices: Range<Int> { buffers.indices }

    func shapes(rowCount: Int) -> [Shape] { indices.map { shape(of: $0, rowCount: rowCount) } }

    func shape(of input: Int, rowCount: Int) -> Shape {
        var shape = rowShapes[input]
        shape[0] = rowCount
        return shape
    }

    @_lifetime(borrow self)
    func bytes(of input: Int, rows: Range<Int>) -> RawSpan {
        let size = rowByteCounts[input]
        let buffer = buffers[input]
        let span = buffer.bytes.extracting(rows.lowerBound * size..<rows.upperBound * size)
        // SAFETY: the buffer lives as long as `self`, which holds it.
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}

private func fill(_ buffer: AlignedBuffer, _ type: ElementType, _ generator: inout SplitMix) {
    unsafe buffer.withMutableBytes { bytes in
        let size = type.byteCount ?? 1
        for element in 0..<bytes.count / size {
            let word = generator.next()
            let float = Float(Int32(truncatingIfNeeded: word)) / 2_147_483_648
            // SAFETY: the element lies within the buffer.
            let place = unsafe bytes.baseAddress! + element * size
            switch type {
            case .fp32: unsafe place.storeBytes(of: float, as: Float.self)
            case .fp64: unsafe place.storeBytes(of: Double(float), as: Double.self)
            case .fp16:
                // A sign, an exponent of -1 and ten bits: between 0.5 and 1.
                let bits = UInt16(truncatingIfNeeded: word)
                unsafe place.storeBytes(of: bits & 0x83ff | 0x3800, as: UInt16.self)
            case .bf16:
                unsafe place.storeBytes(
                    of: UInt16(truncatingIfNeeded: float.bitPattern >> 16),
                    as: UInt16.self
                )
            default: unsafe place.storeBytes(of: UInt8(word >> 63), as: UInt8.self)
            }
        }
    }
}

/// A small generator of numbers that look random (Steele, Lea, Flood 2014).
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
