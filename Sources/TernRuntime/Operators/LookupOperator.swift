import TernGraph
import TernKernels
import TernTensor

/// Rows of a table by their numbers, as ``OneHotFusion`` makes it of a product with one-hot vectors.
///
/// Inputs: the table [rows, columns], and the numbers [..., 1]. A number that is none of a row's takes the
/// last row.
enum LookupOperator {
    static let operatorName = "Lookup"

    static let all = [
        OperatorDeclaration(
            operatorName,
            domain: FusedProduct.domain,
            versions: [1],
            inputs: 2...2,
            shape: { (context) throws(OperatorError) in
                try context.requireElementType(0, in: [.fp32])
                try context.requireElementType(1, in: [.int32, .int64])
                try context.requireRank(0, in: 2...2)
                var dimensions = context.dimensions(1)
                if let last = dimensions?.popLast() {
                    guard !last.isKnownDifferent(from: .fixed(1)) else {
                        throw OperatorError("the numbers' last axis is \(last), expected 1")
                    }
                    dimensions?.append(context.dimensions(0)?[1] ?? .unknown)
                }
                context.setOutput(elementType: .fp32, dimensions: dimensions)
            },
            kernel: { (context) throws(OperatorError) in
                let (table, numbers) = (try context.input(0), try context.input(1))
                let (rowCount, columnCount) = (table.shape[0], table.shape[1])
                let (count, type) = (numbers.elementCount, numbers.elementType)
                guard rowCount > 0 else { throw OperatorError("the table has no rows") }
                return Kernel { (frame) throws(OperatorError) in
                    guard count > 0, columnCount > 0 else { return }
                    let rows = unsafe frame.input(0, as: Float.self)
                    let output = unsafe frame.output(0, as: Float.self)
                    for index in 0..<count {
                        let number = frame.integer(ofInput: 1, at: index, elementType: type)
                        let isRow = number >= 0 && number < rowCount
                        let row = isRow ? number : rowCount - 1
                        // SAFETY: the row is one of the table's, and the output has as many rows as
                        // there are numbers.
                        unsafe (output + index * columnCount).update(
                            from: rows + row * columnCount,
                            count: columnCount
                        )
                    }
                }
            }
        )
    ]
}
