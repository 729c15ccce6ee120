internal import TernTensor

/// Where the inputs of a batch are put together, row after row.
///
/// Used by one worker at a time. Allocates when a batch is larger than any before it.
internal final class BatchStage {
    private var buffers: [AlignedBuffer?]
    private var expected: [Int]
    private var filled: [Int]
    private var shapes: [Shape]

    init(inputCount: Int) {
        buffers = Array(repeating: nil, count: inputCount)
        expected = Array(repeating: 0, count: inputCount)
        filled = Array(repeating: 0, count: inputCount)
        shapes = Array(repeating: [], count: inputCount)
    }

    /// Forgets what was here.
    func begin() {
        for index in filled.indices {
            expected[index] = 0
            filled[index] = 0
            shapes[index] = []
        }
    }

    /// Makes room for more rows of an input; all room is made before the first rows are added.
    func expect(byteCount: Int, of input: Int) {
        expected[input] += byteCount
        guard (buffers[input]?.byteCount ?? 0) < expected[input] else { return }
        // Twice as much, so that growing batches don't each allocate.
        buffers[input] = AlignedBuffer(byteCount: 2 * expected[input])
    }

    /// Adds the rows of one request to an input.
    func append(_ rows: RawSpan, shape: Shape, to input: Int) {
        guard let buffer = buffers[input], filled[input] + rows.byteCount <= buffer.byteCount else {
            preconditionFailure("rows were put together without room for them")
        }
        unsafe rows.withUnsafeBytes { rows in
            unsafe buffer.withMutableBytes { bytes in
                guard let source = rows.baseAddress, let target = bytes.baseAddress else { return }
                // SAFETY: the room was checked above, and the buffer is nobody else's.
                unsafe (target + filled[input]).copyMemory(from: source, byteCount: rows.count)
            }
        }
        filled[input] += rows.byteCount
        if shapes[input].rank == 0 {
            shapes[input] = shape
        } else {
            shapes[input][0] += shape[0]
        }
    }

    /// Makes what was put together the inputs of `executor`.
    func bind(to executor: any ModelExecutor) throws(ExecutionFailure) {
        for input in buffers.indices {
            guard let buffer = buffers[input] else { continue }
            try executor.bindInput(
                input,
                buffer.bytes.extracting(0..<filled[input]),
                shape: shapes[input]
            )
        }
    }
}
