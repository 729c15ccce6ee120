import TernGraph
import TernTensor

/// Gemm element by element.
struct PlainGemm: PlainKernel, Sendable {
    let rowCount: Int
    let columnCount: Int
    let depth: Int
    /// How far apart the neighbours along both axes of A, B and C are; there may be no C.
    let aStrides: (row: Int, column: Int)
    let bStrides: (row: Int, column: Int)
    let cStrides: (row: Int, column: Int)?
    let alpha: Float
    let beta: Float

    func kernel<Element: ArithmeticElement>(
        _ type: Element.Type
    ) throws(OperatorError) -> Kernel {
        let gemm = self
        let (alpha, beta) = (Element(scaling: alpha), Element(scaling: beta))
        return Kernel { (frame) throws(OperatorError) in
            let a = frame.elements(ofInput: 0, as: type)
            let b = frame.elements(ofInput: 1, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            for row in 0..<gemm.rowCount {
                for column in 0..<gemm.columnCount {
                    var total = Element.zero
                    for step in 0..<gemm.depth {
                        total = Element.sum(
                            total,
                            Element.product(
                                a[row * gemm.aStrides.row + step * gemm.aStrides.column],
                                b[step * gemm.bStrides.row + column * gemm.bStrides.column]
                            )
                        )
                    }
                    total = Element.product(alpha, total)
                    if let c = gemm.cStrides {
                        let values = frame.elements(ofInput: 2, as: type)
                        let value = values[row * c.row + column * c.column]
                        total = Element.sum(total, Element.product(beta, value))
                    }
                    target[row * gemm.columnCount + column] = total
                }
            }
        }
    }
}
