import TernGraph
import TernKernels
import TernTensor

/// The sizes and attributes of an Attention node, checked against each other.
struct AttentionGeometry: Sendable {
    /// What the fourth output shows.
    enum Scores: Int {
        /// The scaled products of queries and keys.
        case products
        /// The same after the soft limit.
        case capped
        /// The same with the mask added.
        case masked
        /// The weights that the softmax gives.
        case weights
    }

    let batch: Int
    let queryHeads: Int
    let keyHeads: Int
    let queries: Int
    /// The keys of this call, without those of the past.
    let newKeys: Int
    let past: Int
    let size: Int
    let valueSize: Int
    /// Whether the heads lie side by side in the last of three axes.
    let isFlat: Bool

    let scale: Double
    let softcap: Double
    let isCausal: Bool
    let leftWindow: Int
    let rightWindow: Int
    let scores: Scores

    /// All keys, those of the past first.
    var keys: Int { past + newKeys }

    init(_ context: NodeContext) throws(OperatorError) {
        let node = context.node
        let (q, k, v) = (try context.input(0), try context.input(1), try context.input(2))
        isFlat = q.rank == 3
        guard q.rank == k.rank, k.rank == v.rank else {
            throw OperatorError(
                "the query \(q.shape), the key \(k.shape) and the value \(v.shape) differ in their "
                    + "number of axes"
            )
        }
        batch = q.shape[0]
        queryHeads = isFlat ? try node.int("q_num_heads") : q.shape[1]
        keyHeads = isFlat ? try node.int("kv_num_heads") : k.shape[1]
        queries = q.shape[q.rank - 2]
        newKeys = k.shape[k.rank - 2]
        size = isFlat ? q.shape[2] / max(queryHeads, 1) : q.shape[3]
        valueSize = isFlat ? v.shape[2] / max(keyHeads, 1) : v.shape[3]
        let keySize = isFlat ? k.shape[2] / max(keyHeads, 1) : k.shape[3]
        let valueHeads = isFlat ? keyHeads : v.shape[1]
        past = context.hasInput(4) ? try context.input(4).shape[2] : 0
        guard k.shape[0] == batch, v.shape[0] == batch, keySize == size,
            valueHeads == keyHeads, v.shape[v.rank - 2] == newKeys
        else {
            throw OperatorError(
                "the query \(q.shape), the key \(k.shape) and the value \(v.shape) do not fit "
                    + "together"
            )
        }
        guard keyHeads >= 1, queryHeads >= 1, queryHeads.isMultiple(of: keyHeads) else {
            throw OperatorError(
                "\(queryHeads) heads of queries cannot share \(keyHeads) heads of keys"
            )
        }
        let given = try node.float("scale", default: 0)
        scale = given > 0 ? Double(given) : 1 / Double(max(size, 1)).squareRoot()
        softcap = Double(try node.float("softcap", default: 0))
        isCausal = try node.int("is_causal", default: 0) != 0
        leftWindow = try node.int("left_window_size", default: -1)
        rightWindow = try node.int("right_window_size", default: -1)
        guard leftWindow >= -1, rightWindow >= -1 else {
            throw OperatorError(
                "the window reaches \(leftWindow) to the left and \(rightWindow) to the right, "
                    + "expected -1 or more"
            )
        }
        let mode = try node.int("qk_matmul_output_mode", default: 0)
        guard let scores = Scores(rawValue: mode) else {
            throw OperatorError("qk_matmul_output_mode is \(mode), expected 0 to 3")
        }
        self.scores = scores
        try checkPast(context, index: 4, size: size)
        try checkPast(context, index: 5, size: valueSize)
        if context.hasInput(6), try context.input(6).shape != [batch] {
            throw OperatorError(
                "nonpad_kv_seqlen is \(try context.input(6).shape), expected [\(batch)]"
            )
        }
    }

    private func checkPast(
        _ context: NodeContext,
        index: Int,
        size: Int
    ) throws(OperatorError) {
        guard context.hasInput(index) else { return }
        let (found, expected) = (
            try context.input(index).shape, [batch, keyHeads, past, size] as Shape
        )
        guard found == expected else {
            throw OperatorError("input \(index) is \(found), expected \(expected)")
        }
    }

    /// How queries, keys or values of this call are laid out.
    func strides(heads: Int, sequence: Int, size: Int) -> Attention.Strides {
        isFlat
            ? .sequenceFirst(heads: heads, sequence: sequence, size: size)
            : .headsFirst(heads: heads, sequence: sequence, size: size)
    }

    /// The attention kernel for these sizes.
    var attention: Attention {
        var attention = Attention(
            batchCount: batch,
            headCount: queryHeads,
            queryCount: queries,
            keyCount: keys,
            size: size,
            valueSize: valueSize,
            scale: Float(scale),
            isCausal: isCausal,
            pastCount: past
        )
        attention.keyHeadCount = keyHeads
        return attention
    }
}
