import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct GEMMBatchTests {
    /// Attention's two products over tensors [sequence, position, head, feature], in place.
    @Test(arguments: contexts + pools.map { KernelContext(pool: $0) })
    func `attention's products over interleaved heads agree with the definition`(
        _ context: KernelContext
    ) {
        for (sequences, heads, positions, features) in [
            (2, 3, 9, 8), (1, 2, 33, 20), (3, 4, 1, 5), (1, 12, 40, 32), (0, 2, 3, 4),
        ] {
            let shape = BatchShape(
                outerCount: sequences,
                innerCount: heads,
                rowCount: positions,
                columnCount: positions,
                depth: features
            )
            let stride = heads * features
            var numbers = Numbers(seed: 31)
            let query = Guarded(numbers.floats(sequences * positions * stride))
            let key = Guarded(numbers.floats(sequences * positions * stride))
            let scores = Guarded<Float>(
                repeating: .nan,
                count: sequences * heads * positions * positions
            )
            let scratch = Scratch(
                GEMM.batchScratchByteCount(
                    shape,
                    aIsTransposed: false,
                    bIsTransposed: true,
                    context: context
                )
            )
            unsafe GEMM.multiplyBatch(
                MatrixBatch(
                    MatrixView(query.read, rowStride: stride),
                    outerStride: positions * stride,
                    innerStride: features
                ),
                by: MatrixBatch(
                    MatrixView(key.read, rowStride: stride, isTransposed: true),
                    outerStride: positions * stride,
                    innerStride: features
                ),
                shape: shape,
                into: scores.pointer,
                rowStride: positions,
                outerStride: heads * positions * positions,
                innerStride: positions * positions,
                epilogue: Epilogue(alpha: 0.25),
                scratch: scratch.bytes,
                context: context
            )
            let values = Guarded<Float>(repeating: .nan, count: sequences * positions * stride)
            let second = BatchShape(
                outerCount: sequences,
                innerCount: heads,
                rowCount: positions,
                columnCount: features,
                depth: positions
            )
            let moreScratch = Scratch(
                GEMM.batchScratchByteCount(
                    second,
                    aIsTransposed: false,
                    bIsTransposed: false,
                    context: context
                )
            )
            unsafe GEMM.multiplyBatch(
                MatrixBatch(
                    MatrixView(scores.read, rowStride: positions),
                    outerStride: heads * positions * positions,
                    innerStride: positions * positions
                ),
                by: MatrixBatch(
                    MatrixView(key.read, rowStride: stride),
                    outerStride: positions * stride,
                    innerStride: features
                ),
                shape: second,
                into: values.pointer,
                rowStride: stride,
                outerStride: positions * stride,
                innerStride: features,
                scratch: moreScratch.bytes,
                context: context
            )
            for sequence in 0..<sequences {
                for head in 0..<heads {
                    func at(_ position: Int, _ feature: Int) -> Int {
                        ((sequence * positions + position) * heads + head) * features + feature
                    }
                    let product = ScalarTwin.gemm(
                        { query[at($0, $1)] },
                        { key[at($1, $0)] },
                        rowCount: positions,
                        columnCount: positions,
                        depth: features
                    )
                    let offset = (sequence * heads + head) * positions * positions
                    for i in 0..<positions * positions {
                        let error = abs(Double(scores[offset + i]) - 0.25 * product.values[i])
                        #expect(
                            error
                                <= ScalarTwin.bound(
                                    depth: features,
                                    magnitude: product.magnitudes[i]
                                )
                        )
                    }
                    let mixed = ScalarTwin.gemm(
                        { scores[offset + $0 * positions + $1] },
                        { key[at($0, $1)] },
                        rowCount: positions,
                        columnCount: features,
                        depth: positions
                    )
                    for i in 0..<positions * features {
                        let result = values[at(i / features, i % features)]
                        #expect(
                            abs(Double(result) - mixed.values[i])
                                <= ScalarTwin.bound(
                                    depth: positions,
                                    magnitude: mixed.magnitudes[i]
                                )
                        )
                    }
                }
            }
        }
    }
}
