extension OperatorLibrary {
    /// The families, each in a file of its own.
    static let families: [[OperatorDeclaration]] = [
        ViewOperators.all, UnaryOperators.all, ArithmeticOperators.all, LogicOperators.all,
        ClipOperator.all, SoftmaxOperators.all, ReductionOperators.all, MatrixOperators.all,
        ConvolutionOperators.all, PoolingOperators.all, NormalizationOperators.all,
        LayoutOperators.all, SliceOperators.all, GatherOperators.all, PadOperator.all,
        GeneratorOperators.all, CastOperators.all, OrderingOperators.all, RecurrentOperators.all,
        LinearModels.all, FeatureOperators.all, TreeOperators.all, QuantizationOperators.all,
        IntegerProductOperators.all, ByteConvolutionOperators.all, BlockProductOperator.all,
    ]
}
