import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Y = alpha · A · B + beta · C, where A and B may be transposed and C is spread over Y.
struct GemmKernel {
    private let context: NodeContext
    private let rowCount: Int
    private let columnCount: Int
    private let depth: Int
    private let transposesA: Bool
    private let transposesB: Bool
    private let alpha: Float
    private let beta: Float
    private let activation: UnaryOperation

    init(_ context: NodeContext) throws(OperatorError) {
        self.context = context
        let (a, b) = (try context.input(0).shape, try context.input(1).shape)
        transposesA = try context.node.int("transA", default: 0) != 0
        transposesB = try context.node.int("transB", default: 0) != 0
        alpha = try context.node.float("alpha", default: 1)
        beta = try context.node.float("beta", default: 1)
        activation = try FusedProduct.activation(of: context.node)
        rowCount = transposesA ? a[1] : a[0]
        depth = transposesA ? a[0] : a[1]
        columnCount = transposesB ? b[0] : b[1]
    }

    /// How C reaches the output.
    private enum Addend {
        /// There is none, or it is multiplied by 0.
        case none
        /// One number per column, added by the product's epilogue.
        case perColumn
        /// One number per row, added by the product's epilogue.
        case perRow
        /// One number per element, added by the product's epilogue.
        case perElement
        /// Spread over the output first, which the product then adds to.
        case spread(StridedCopy)
    }

    private func addend() throws(OperatorError) -> Addend {
        guard context.hasInput(2), beta != 0 else { return .none }
        let shape = try context.input(2).shape
        let output = Shape([rowCount, columnCount])
        if context.version < 7, try context.node.int("broadcast", default: 0) == 0, shape != output
        {
            throw OperatorError("C is \(shape), expected \(output): broadcast is off")
        }
        if beta == 1 {
            // A row of one column is also a column of one row; either way is right.
            if shape == Shape([columnCount]) || shape == Shape([1, columnCount]) {
                return .perColumn
            }
            if shape == Shape([rowCount, 1]) { return .perRow }
            if shape == output { return .perElement }
        }
        guard let copy = StridedCopy(expanding: shape, to: output) else {
            throw OperatorError("C is \(shape), which cannot be spread over \(output)")
        }
        return .spread(copy)
    }

    private func epilogue(
        _ addend: Addend,
        alpha: Float,
        _ frame: borrowing KernelFrame
    ) -> Epilogue {
        var epilogue = Epilogue(alpha: alpha, activation: activation)
        switch addend {
        case .none: break
        case .perColumn: unsafe epilogue.bias = .perColumn(frame.input(2, as: Float.self))
        case .perRow: unsafe epilogue.bias = .perRow(frame.input(2, as: Float.self))
        case .perElement:
            unsafe epilogue.residual = MatrixAddend(
                frame.input(2, as: Float.self),
                rowStride: columnCount
            )
        case .spread(let copy):
            unsafe copy.run(
                frame.rawInput(2),
                into: frame.rawOutput(0),
                elementByteCount: MemoryLayout<Float>.stride,
                context: frame.context
            )
            epilogue.beta = beta
        }
        return epilogue
    }

    func kernel() throws(OperatorError) -> Kernel {
        let addend = try addend()
        if context.inputs[1]?.constant != nil, !transposesA {
            return try packedKernel(addend)
        }
        let gemm = self
        let (aStride, bStride) = (transposesA ? rowCount : depth, transposesB ? depth : columnCount)
        let scratch = GEMM.scratchByteCount(
            rowCount: rowCount,
            columnCount: columnCount,
            depth: depth,
            aIsTransposed: transposesA,
            bIsTransposed: transposesB,
            context: self.context.kernels
        )
        return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
            unsafe GEMM.multiply(
                MatrixView(
                    frame.input(0, as: Float.self),
                    rowStride: aStride,
                    isTransposed: gemm.transposesA
                ),
                by: MatrixView(
                    frame.input(1, as: Float.self),
                    rowStride: bStride,
                    isTransposed: gemm.transposesB
                ),
                rowCount: gemm.rowCount,
                columnCount: gemm.columnCount,
                depth: gemm.depth,
                into: frame.output(0, as: Float.self),
                rowStride: gemm.columnCount,
                epilogue: gemm.epilogue(addend, alpha: gemm.alpha, frame),
                scratch: frame.scratch,
                context: frame.context
            )
        }
    }

    /// B does not depend on the call: it is packed with alpha in it.
    private func packedKernel(_ addend: Addend) throws(OperatorError) -> Kernel {
        let packed = try MatrixOperators.packedMatrix(
            context,
            rowCount: depth,
            columnCount: columnCount,
            isTransposed: transposesB,
            scale: alpha
        )
        let gemm = self
        return Kernel { (frame) throws(OperatorError) in
            unsafe GEMM.multiply(
                frame.input(0, as: Float.self),
                rowStride: gemm.depth,
                rowCount: gemm.rowCount,
                by: packed,
                into: frame.output(0, as: Float.self),
                rowStride: gemm.columnCount,
                epilogue: gemm.epilogue(addend, alpha: 1, frame),
                context: frame.context
            )
        }
    }

    /// The same in plain loops, for types that have no fast kernel.
    func plain() throws(OperatorError) -> PlainGemm {
        let output = Shape([rowCount, columnCount])
        // Checks C as the fast kernel does.
        let hasC = if case .none = try addend() { false } else { true }
        guard let broadcast = Broadcast(output, hasC ? try context.input(2).shape : output),
            broadcast.outputShape == output
        else { throw OperatorError("C cannot be spread over \(output)") }
        let c = hasC ? try context.input(2).shape : Shape()
        let (columns, rows) = (c.last ?? 1, c.rank > 1 ? c[c.rank - 2] : 1)
        return PlainGemm(
            rowCount: rowCount,
            columnCount: columnCount,
            depth: depth,
            aStrides: transposesA ? (1, rowCount) : (depth, 1),
            bStrides: transposesB ? (1, depth) : (columnCount, 1),
            cStrides: hasC ? (rows == 1 ? 0 : columns, columns == 1 ? 0 : 1) : nil,
            alpha: alpha,
            beta: beta
        )
    }
}
