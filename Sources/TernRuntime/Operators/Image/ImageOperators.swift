/// Operators that read images at places between elements, and choose regions of them.
enum ImageOperators {
    static let all = [
        GridSampleOperator.declaration, AffineGridOperator.declaration,
        RoiAlignOperator.declaration, NonMaxSuppressionOperator.declaration,
    ]
}
