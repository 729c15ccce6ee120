extension OperatorLibrary {
    /// The families, each in a file of its own.
    static let families: [[OperatorDeclaration]] =
        standardFamilies + stringMovers.map { family in family.map { $0.movingStrings() } }
        + controlFlow + machineLearning + microsoft

    private static let standardFamilies = [
        ViewOperators.all, UnaryOperators.all, ArithmeticOperators.all, LogicOperators.all,
        ClipOperator.all, SoftmaxOperators.all, ReductionOperators.all, MatrixOperators.all,
        ConvolutionOperators.all, PoolingOperators.all, NormalizationOperators.all,
        GeneratorOperators.all, CastOperators.all, OrderingOperators.all, RecurrentOperators.all,
        LinearModels.all, FeatureOperators.all, TreeOperators.all, QuantizationOperators.all,
        IntegerProductOperators.all, ByteConvolutionOperators.all, BlockProductOperator.all,
        FusedProduct.all, BFloatProduct.all, AttentionOperators.all, FusedAttention.all,
        FusedIntegerProduct.all, LookupOperator.all,
        EinsumOperator.all, ResizeOperators.all, ImageOperators.all, DeterminantOperator.all,
        NormOperators.all, GatedOperators.all,
    ]

    /// Operators that only move and compare elements, which may be strings.
    private static let stringMovers = [
        LayoutOperators.all, SliceOperators.all, GatherOperators.all, PadOperator.all,
        SelectionOperators.all, SequenceOperators.all, CenterCropPadOperator.all,
        LogicOperators.chooseAndEqual,
    ]

    /// Operators that run graphs.
    private static let controlFlow = [IfOperator.all, LoopOperator.all, ScanOperator.all]

    /// Those of ai.onnx.ml that stand for a family of their own.
    private static let machineLearning = [SupportVectorMachines.all, LabelOperators.all]

    /// Those of com.microsoft that stand for a family of their own.
    private static let microsoft = [
        DynamicQuantizeLSTM.all, QGemm.all, QLinearElementwise.all, QLinearGlobalAveragePool.all,
    ]
}
