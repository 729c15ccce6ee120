import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct ClassicalModelTests {
    private func runner(
        _ name: String,
        version: Int = 1,
        _ attributes: [String: Attribute],
        outputs: Int = 1
    ) -> OperatorRunner {
        OperatorRunner(
            name,
            domain: "ai.onnx.ml",
            version: version,
            attributes,
            outputs: outputs
        )
    }

    @Test func `Scaler subtracts and multiplies per feature, whole numbers too`() throws {
        let scaler = runner("Scaler", ["offset": .floats([1, 2]), "scale": .floats([10])])
        #expect(try scaler.floats(f([1, 2, 3, 4], [2, 2])) == [0, 0, 20, 20])
        #expect(try scaler.floats(i([2, 2], [1, 2])) == [10, 0])
        #expect(
            runner("Scaler", ["offset": .floats([1, 2, 3])]).refusal(f([1, 2], [1, 2]))
                .contains("expected 1 or 2")
        )
    }

    @Test func `Normalizer divides rows, and leaves rows of zeros`() throws {
        func norm(_ name: String) -> OperatorRunner {
            runner("Normalizer", ["norm": .string(Array(name.utf8))])
        }
        let x = f([3, 4, 0, 0], [2, 2])
        expectClose(try norm("L1").floats(x), [3.0 / 7, 4.0 / 7, 0, 0])
        expectClose(try norm("L2").floats(x), [0.6, 0.8, 0, 0])
        expectClose(try norm("MAX").floats(x), [0.75, 1, 0, 0])
    }

    @Test func `LinearRegressor gives every target`() throws {
        let regressor = runner(
            "LinearRegressor",
            [
                "targets": .int(2), "coefficients": .floats([1, 2, 3, 4]),
                "intercepts": .floats([10, 20]),
            ]
        )
        #expect(try regressor.floats(f([1, 1], [1, 2])) == [13, 27])
    }

    @Test func `LinearClassifier picks the label with the highest score`() throws {
        let classifier = runner(
            "LinearClassifier",
            [
                "coefficients": .floats([1, 0, 0, 1, -1, -1]), "intercepts": .floats([0, 0, 0]),
                "classlabels_ints": .ints([7, 8, 9]),
                "post_transform": .string(Array("SOFTMAX".utf8)),
            ],
            outputs: 2
        )
        let found = try classifier(f([2, 1, -3, -3], [2, 2]))
        #expect(found[0].integerElements == [7, 9])
        #expect(found[1].shape == [2, 3])
        let scores = found[1].elements(as: Float.self)
        expectClose([scores[0] + scores[1] + scores[2]], [1])
        #expect(scores[0] > scores[1] && scores[1] > scores[2])
    }

    @Test func `one row of coefficients stands for two classes`() throws {
        let classifier = runner(
            "LinearClassifier",
            [
                "coefficients": .floats([1]), "intercepts": .floats([0]),
                "classlabels_ints": .ints([0, 1]),
                "post_transform": .string(Array("LOGISTIC".utf8)),
            ],
            outputs: 2
        )
        let found = try classifier(f([2, -2], [2, 1]))
        #expect(found[0].integerElements == [1, 0])
        expectClose(
            found[1].elements(as: Float.self),
            [0.119_202_9, 0.880_797_1, 0.880_797_1, 0.119_202_9]
        )
    }

    /// The tree of x₀ ≤ 0.5 ? (x₁ < 2 ? 1 : 2) : 3.
    private let tree: [String: Attribute] = [
        "nodes_treeids": .ints([0, 0, 0, 0, 0]), "nodes_nodeids": .ints([0, 1, 2, 3, 4]),
        "nodes_featureids": .ints([0, 1, 0, 0, 0]),
        "nodes_values": .floats([0.5, 2, 0, 0, 0]),
        "nodes_modes": .strings(
            ["BRANCH_LEQ", "BRANCH_LT", "LEAF", "LEAF", "LEAF"].map { Array($0.utf8) }
        ),
        "nodes_truenodeids": .ints([1, 3, 0, 0, 0]), "nodes_falsenodeids": .ints([2, 4, 0, 0, 0]),
    ]

    @Test func `a regression tree walks to its leaf`() throws {
        var attributes = tree
        attributes["n_targets"] = .int(1)
        attributes["target_treeids"] = .ints([0, 0, 0])
        attributes["target_nodeids"] = .ints([3, 4, 2])
        attributes["target_ids"] = .ints([0, 0, 0])
        attributes["target_weights"] = .floats([1, 2, 3])
        let regressor = runner("TreeEnsembleRegressor", attributes)
        #expect(try regressor.floats(f([0, 0, 0.5, 2, 1, 0, .nan, 0], [4, 2])) == [1, 2, 3, 3])
        #expect(regressor.refusal(f([0], [1, 1])).contains("2 features"))
    }

    @Test func `a classification tree votes`() throws {
        var attributes = tree
        attributes["classlabels_int64s"] = .ints([4, 5, 6])
        attributes["class_treeids"] = .ints([0, 0, 0])
        attributes["class_nodeids"] = .ints([3, 4, 2])
        attributes["class_ids"] = .ints([0, 1, 2])
        attributes["class_weights"] = .floats([1, 1, 1])
        let classifier = runner("TreeEnsembleClassifier", attributes, outputs: 2)
        let found = try classifier(f([0, 0, 0, 3, 1, 0], [3, 2]))
        #expect(found[0].integerElements == [4, 5, 6])
        #expect(found[1].elements(as: Float.self) == [1, 0, 0, 0, 1, 0, 0, 0, 1])
    }

    @Test func `a tree that is a cycle is refused`() {
        var attributes = tree
        attributes["nodes_truenodeids"] = .ints([0, 3, 0, 0, 0])
        attributes["n_targets"] = .int(1)
        let refusal = runner("TreeEnsembleRegressor", attributes).refusal(f([0, 0], [1, 2]))
        #expect(
            refusal.contains("cycle") || refusal.contains("parents") || refusal.contains("roots")
        )
    }

    @Test func `ArrayFeatureExtractor picks columns`() throws {
        let extractor = runner("ArrayFeatureExtractor", [:])
        let found = try extractor(f([1, 2, 3, 4, 5, 6], [2, 3]), i([2, 0]))
        #expect(found[0].shape == [2, 2])
        #expect(found[0].elements(as: Float.self) == [3, 1, 6, 4])
        #expect(extractor.refusal(f([1, 2]), i([2])).contains("index 2"))
    }

    @Test func `LabelEncoder maps numbers, the rest to its default, and NaN to NaN's`() throws {
        let encoder = runner(
            "LabelEncoder",
            version: 4,
            [
                "keys_floats": .floats([1, .nan, 0]), "values_int64s": .ints([10, 20, 30]),
                "default_int64": .int(-5),
            ]
        )
        #expect(try encoder.integers(f([1, .nan, -0.0, 2])) == [10, 20, 30, -5])
    }

    @Test func `Binarizer, Imputer and FeatureVectorizer`() throws {
        #expect(
            try runner("Binarizer", ["threshold": .float(0.5)]).floats(f([0.5, 0.6])) == [0, 1]
        )
        let imputer = runner(
            "Imputer",
            ["imputed_value_floats": .floats([7, 8]), "replaced_value_float": .float(.nan)]
        )
        #expect(try imputer.floats(f([.nan, .nan, 1, 2], [2, 2])) == [7, 8, 1, 2])
        let vectorizer = runner("FeatureVectorizer", ["inputdimensions": .ints([1, 2])])
        #expect(
            try vectorizer.floats(f([1, 2], [2, 1]), i([3, 4, 5, 6], [2, 2])) == [1, 3, 4, 2, 5, 6]
        )
    }

    @Test func `ZipMap hands the scores on`() throws {
        let zip = runner("ZipMap", ["classlabels_int64s": .ints([0, 1])])
        #expect(try zip.floats(f([0.25, 0.75], [1, 2])) == [0.25, 0.75])
    }
}
