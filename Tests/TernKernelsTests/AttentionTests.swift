import Glibc
import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct AttentionTests {
    /// One problem with its inputs, laid out as [batch, sequence, heads, size] or
    /// [batch, heads, sequence, size].
    struct Problem {
        var attention: Attention
        var isSequenceFirst = true
        var queries: Guarded<Float>
        var keys: Guarded<Float>
        var values: Guarded<Float>
        var bias: [Float]?
        var isKept: [UInt8]?

        init(_ attention: Attention, isSequenceFirst: Bool = true, seed: UInt64 = 1) {
            self.attention = attention
            self.isSequenceFirst = isSequenceFirst
            var numbers = Numbers(seed: seed)
            let a = attention
            queries = Guarded(
                numbers.floats(a.batchCount * a.headCount * a.queryCount * a.size, in: -2...2)
            )
            let keyRows = a.batchCount * a.keyHeadCount * a.keyCount
            keys = Guarded(numbers.floats(keyRows * a.size, in: -2...2))
            values = Guarded(numbers.floats(keyRows * a.valueSize, in: -2...2))
        }

        func strides(_ heads: Int, _ sequence: Int, _ size: Int) -> Attention.Strides {
            isSequenceFirst
                ? .sequenceFirst(heads: heads, sequence: sequence, size: size)
                : .headsFirst(heads: heads, sequence: sequence, size: size)
        }

        var queryStrides: Attention.Strides {
            strides(attention.headCount, attention.queryCount, attention.size)
        }
        var keyStrides: Attention.Strides {
            strides(attention.keyHeadCount, attention.keyCount, attention.size)
        }
        var valueStrides: Attention.Strides {
            strides(attention.keyHeadCount, attention.keyCount, attention.valueSize)
        }
        var outputStrides: Attention.Strides {
            strides(attention.headCount, attention.queryCount, attention.valueSize)
        }

        /// A mask is [queries, keys], or [1, keys] if it has so few elements.
        var maskStrides: Attention.Strides {
            let count = bias?.count ?? isKept?.count ?? 0
            let isOneRow = count == attention.keyCount
            return Attention.Strides(batch: 0, head: 0, row: isOneRow ? 0 : attention.keyCount)
        }

        func run(_ context: KernelContext) -> [Float] {
            let a = attention
            let count = a.batchCount * a.headCount * a.queryCount * a.valueSize
            let output = Guarded<Float>(repeating: 77, count: count)
            let scratch = Scratch(a.scratchByteCount(context: context))
            let bias = bias.map { Guarded($0) }
            let isKept = isKept.map { Guarded($0) }
            var mask = AttentionMask.none
            if let bias { mask = unsafe .bias(bias.read, strides: maskStrides) }
            if let isKept { mask = unsafe .kept(isKept.read, strides: maskStrides) }
            unsafe a.run(
                queries.read,
                strides: queryStrides,
                keys: keys.read,
                strides: keyStrides,
                values: values.read,
                strides: valueStrides,
                mask: mask,
                into: output.pointer,
                strides: outputStrides,
                scratch: scratch.bytes,
                context: context
            )
            return output.values
        }

        /// The definition in double precision, and the largest magnitude of a value.
        func twin() -> [Double] {
            let a = attention
            var y = [Double](
                repeating: 0,
                count: a.batchCount * a.headCount * a.queryCount * a.valueSize
            )
            let (qs, ks, vs, ys) = (queryStrides, keyStrides, valueStrides, outputStrides)
            for batch in 0..<a.batchCount {
                for head in 0..<a.headCount {
                    let keyHead = head / (a.headCount / a.keyHeadCount)
                    for row in 0..<a.queryCount {
                        var scores = [Double]()
                        for key in 0..<a.keyCount {
                            var dot = 0.0
                            for d in 0..<a.size {
                                let q = batch * qs.batch + head * qs.head + row * qs.row + d
                                let k = batch * ks.batch + keyHead * ks.head + key * ks.row + d
                                dot += Double(queries[q]) * Double(keys[k])
                            }
                            dot *= Double(a.scale)
                            let at = row * maskStrides.row + key
                            if let bias { dot += Double(bias[at]) }
                            if let isKept, isKept[at] == 0 { dot = -.infinity }
                            if a.isCausal, key > row + a.pastCount { dot = -.infinity }
                            scores.append(dot)
                        }
                        let largest = scores.max() ?? -.infinity
                        let weights = scores.map { exp($0 - largest) }
                        let sum = weights.reduce(0, +)
                        for d in 0..<a.valueSize {
                            var value = 0.0
                            for key in 0..<a.keyCount where largest > -.infinity {
                                let v = batch * vs.batch + keyHead * vs.head + key * vs.row + d
                                value += weights[key] * Double(values[v])
                            }
                            let at = batch * ys.batch + head * ys.head + row * ys.row + d
                            y[at] = largest > -.infinity ? value / sum : 0
                        }
                    }
                }
            }
            return y
        }
    }

    /// Batch entries, heads, queries, keys, size, value size.
    static let shapes = [
        (1, 1, 1, 1, 1, 1), (2, 3, 5, 7, 8, 8), (1, 2, 13, 33, 16, 16), (1, 2, 7, 64, 40, 24),
        (2, 2, 3, 17, 5, 9), (1, 1, 130, 40, 8, 32), (1, 1, 3, 300, 16, 16), (1, 1, 2, 513, 4, 20),
    ]

    func expectClose(_ y: [Float], _ exact: [Double], _ name: StaticString) {
        #expect(y.count == exact.count)
        for i in y.indices {
            #expect(abs(Double(y[i]) - exact[i]) <= 4e-6, "\(name) \(i)")
        }
    }

    @Test(arguments: contexts)
    func `attention agrees with the definition in both layouts`(_ context: KernelContext) {
        for (batch, heads, queries, keys, size, valueSize) in Self.shapes {
            for isSequenceFirst in [true, false] {
                let attention = Attention(
                    batchCount: batch,
                    headCount: heads,
                    queryCount: queries,
                    keyCount: keys,
                    size: size,
                    valueSize: valueSize
                )
                let problem = Problem(attention, isSequenceFirst: isSequenceFirst)
                expectClose(problem.run(context), problem.twin(), context.table.name)
            }
        }
    }

    @Test(arguments: contexts)
    func `masks are added, choose keys, and follow the sequence`(_ context: KernelContext) {
        var numbers = Numbers(seed: 3)
        for (_, _, queries, keys, size, valueSize) in Self.shapes {
            var attention = Attention(
                batchCount: 2,
                headCount: 4,
                queryCount: queries,
                keyCount: keys,
                size: size,
                valueSize: valueSize,
                scale: 0.3
            )
            attention.keyHeadCount = 2
            for rows in [1, queries] {
                var problem = Problem(attention)
                problem.bias = numbers.floats(rows * keys, in: -3...3).map {
                    $0 < -2 ? -.infinity : $0
                }
                expectClose(problem.run(context), problem.twin(), "bias")
                problem.bias = nil
                problem.isKept = (0..<rows * keys).map { _ in UInt8(numbers.int(in: 0..<3)) }
                expectClose(problem.run(context), problem.twin(), "kept")
            }
            attention.isCausal = true
            for past in [0, keys - 1, -2] {
                attention.pastCount = past
                let problem = Problem(attention)
                expectClose(problem.run(context), problem.twin(), "causal")
            }
        }
    }

    @Test(arguments: contexts)
    func `a query without keys gives zeros, and NaN and infinity stay in their rows`(
        _ context: KernelContext
    ) {
        let (queries, keys, size) = (4, 300, 16)
        let attention = Attention(
            batchCount: 1,
            headCount: 1,
            queryCount: queries,
            keyCount: keys,
            size: size
        )
        for isBias in [true, false] {
            var problem = Problem(attention)
            // Row 1 is masked whole, row 2 in its first block of keys.
            let hides = { (i: Int) in i / keys == 1 || (i / keys == 2 && i % keys < 290) }
            if isBias {
                problem.bias = (0..<queries * keys).map { hides($0) ? -.infinity : 0 }
            } else {
                problem.isKept = (0..<queries * keys).map { hides($0) ? 0 : 1 }
            }
            let y = problem.run(context)
            expectClose(y, problem.twin(), "masked")
            #expect(y[size..<2 * size].allSatisfy { $0 == 0 })
        }
        for special in [Float.nan, .infinity] {
            let problem = Problem(attention)
            problem.queries[2 * size + 3] = special
            let plain = Problem(attention).run(context)
            let y = problem.run(context)
            for i in y.indices {
                #expect(i / size == 2 ? y[i].isNaN : y[i].bitPattern == plain[i].bitPattern)
            }
        }
        let problem = Problem(attention)
        problem.values[5] = .nan
        for (i, v) in problem.run(context).enumerated() { #expect(v.isNaN == (i % size == 5)) }
        let none = Problem(
            Attention(batchCount: 1, headCount: 2, queryCount: 3, keyCount: 0, size: 4)
        )
        #expect(none.run(context) == [Float](repeating: 0, count: 24))
        let nobody = Problem(
            Attention(batchCount: 0, headCount: 2, queryCount: 3, keyCount: 2, size: 4)
        )
        #expect(nobody.run(context).isEmpty)
    }

    @Test(arguments: tables)
    func `a query has the same bits alone, in a batch and on any number of threads`(
        _ table: KernelTable
    ) {
        let (heads, queries, keys, size) = (3, 140, 270, 16)
        let problem = Problem(
            Attention(
                batchCount: 3,
                headCount: heads,
                queryCount: queries,
                keyCount: keys,
                size: size
            ),
            isSequenceFirst: false
        )
        let whole = bits(problem.run(KernelContext(table: table)))
        for pool in pools {
            #expect(bits(problem.run(KernelContext(table: table, pool: pool))) == whole)
        }
        // The last query of the second head of the last batch entry.
        let matrix = 2 * heads + 1
        let row = matrix * queries + queries - 1
        var one = Problem(
            Attention(batchCount: 1, headCount: 1, queryCount: 1, keyCount: keys, size: size)
        )
        one.queries = Guarded(Array(problem.queries.values[row * size..<(row + 1) * size]))
        let range = matrix * keys * size..<(matrix + 1) * keys * size
        one.keys = Guarded(Array(problem.keys.values[range]))
        one.values = Guarded(Array(problem.values.values[range]))
        let alone = bits(one.run(KernelContext(table: table)))
        #expect(alone == Array(whole[row * size..<(row + 1) * size]))
    }
}
