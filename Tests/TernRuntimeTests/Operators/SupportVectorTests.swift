import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// The expected numbers are ONNX Runtime's for the same models.
struct SupportVectorTests {
    private func runner(
        _ name: String,
        _ attributes: [String: Attribute],
        outputs: Int = 1
    ) -> OperatorRunner {
        OperatorRunner(name, domain: "ai.onnx.ml", version: 1, attributes, outputs: outputs)
    }

    private func text(_ text: String) -> Attribute { .string(Array(text.utf8)) }

    @Test func `a regressor compares each row with its vectors`() throws {
        var attributes: [String: Attribute] = [
            "coefficients": .floats([1, -2]), "support_vectors": .floats([1, 0, 0, 1]),
            "n_supports": .int(2), "kernel_type": text("RBF"),
            "kernel_params": .floats([0.5, 0, 0]), "rho": .floats([0.25]),
        ]
        let x = f([1, 2, -1, 0.5], [2, 2])
        let found = try runner("SVMRegressor", attributes)(x)[0]
        #expect(found.shape == [2, 1])
        expectClose(found.floats, [-0.350_423_63, -0.701_089_9])
        attributes["kernel_type"] = text("LINEAR")
        attributes["one_class"] = .int(1)
        #expect(try runner("SVMRegressor", attributes).floats(x) == [-1, -1])
        attributes["n_supports"] = .int(3)
        #expect(runner("SVMRegressor", attributes).refusal(x).contains("expected 3 vectors"))
    }

    @Test func `pairs of classes vote, and their scores become probabilities`() throws {
        let classifier = runner(
            "SVMClassifier",
            [
                "classlabels_ints": .ints([10, 11, 12]), "kernel_type": text("RBF"),
                "kernel_params": .floats([0.5, 0.1, 2]), "post_transform": text("NONE"),
                "coefficients": .floats([
                    2.040_919, -2.555_665, 0.418_098_84, -0.567_769_6, -0.452_649_3,
                    -0.215_597_17, -2.019_986_2, -0.231_932_37, -0.865_213_1, 3.322_999_5,
                ]),
                "rho": .floats([0.225_786_61, -0.352_630_8, -0.281_287_43]),
                "support_vectors": .floats([
                    -0.668_046_36, -1.055_150_5, -0.390_800_98, 0.481_945_4, -0.238_553_61,
                    0.957_758_7, -0.199_802_13, 0.024_259_565, 1.545_820_8, 0.545_105_5,
                    -0.505_228_76, -0.182_838_98, 0.540_525_1, 1.935_088, -0.269_620_33,
                ]),
                "vectors_per_class": .ints([2, 1, 2]),
                "prob_a": .floats([-0.243_558_68, 1.002_313_6, -0.886_459_95]),
                "prob_b": .floats([-0.291_720_24, 0.882_539, 0.580_350_04]),
            ],
            outputs: 2
        )
        let found = try classifier(
            f(
                [
                    0.091_516_7, 0.670_104_4, -2.828_162_2, 1.021_306_9, -0.959_644_73,
                    -1.668_619_9, 0.276_445_75, 0.700_544_9, -0.444_767_45, -1.076_405_9,
                    0.026_124_833, -0.052_747_31,
                ],
                [4, 3]
            )
        )
        #expect(found[0].integerElements == [12, 12, 11, 12])
        expectClose(
            found[1].floats,
            [
                0.297_014_6, 0.215_192_97, 0.487_792_55, 0.330_091_48, 0.193_161_58,
                0.476_747_04, 0.416_181_62, 0.310_804_22, 0.273_014_25, 0.398_540_77,
                0.197_496_12, 0.403_962_6,
            ]
        )
    }

    @Test func `one sum stands for two classes`() throws {
        let classifier = runner(
            "SVMClassifier",
            [
                "classlabels_ints": .ints([10, 11]), "kernel_type": text("POLY"),
                "kernel_params": .floats([0.5, 0.1, 2]), "post_transform": text("LOGISTIC"),
                "coefficients": .floats([-0.651_791_16, -0.174_717_29, 1.663_723_9]),
                "rho": .floats([0.659_147_74]),
                "support_vectors": .floats([
                    -1.641_397_2, -0.005_203_264_3, -0.623_463_75, 0.148_631_53, -1.608_187_8,
                    0.241_771_88, 0.235_380_92, 1.575_626, 0.316_645_03,
                ]),
                "vectors_per_class": .ints([1, 2]),
            ],
            outputs: 2
        )
        let x = f([
            0.510_546_7, -1.493_116_7, 2.252_729_2, -1.915_645_6, 1.101_801_9, -0.329_904_08,
        ])
        guard case .input(let tensor) = x else { return }
        let rows = Tensor(elementType: .fp32, shape: [2, 3], values: tensor.floats)
        let found = try classifier(.input(rows))
        #expect(found[0].integerElements == [10, 11])
        expectClose(found[1].floats, [0.436_622_56, 0.563_377_44, 0.681_076, 0.318_924])
    }

    @Test func `without vectors it is linear, and labels may be strings`() throws {
        let classifier = runner(
            "SVMClassifier",
            [
                "classlabels_strings": .strings([Array("no".utf8), Array("yes".utf8)]),
                "coefficients": .floats([1, 0, 0, 1]), "rho": .floats([0]),
            ],
            outputs: 2
        )
        let found = try classifier(f([3, 1, 0, 2], [2, 2]))
        #expect(found[0].byteStrings == [Array("no".utf8), Array("yes".utf8)])
        #expect(found[1].floats == [3, 1, 0, 2])
    }

    @Test func `a machine that contradicts itself is refused`() {
        let broken = runner(
            "SVMClassifier",
            [
                "classlabels_ints": .ints([0, 1, 2]), "vectors_per_class": .ints([1, 1]),
                "coefficients": .floats([1, 1]), "rho": .floats([1]),
                "support_vectors": .floats([1, 2]),
            ],
            outputs: 2
        )
        #expect(broken.refusal(f([1], [1, 1])).contains("3 classes have 2 counts of vectors"))
    }
}
