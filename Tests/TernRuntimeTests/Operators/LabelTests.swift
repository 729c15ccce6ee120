import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct LabelTests {
    private func runner(
        _ name: String,
        version: Int = 1,
        _ attributes: [String: Attribute],
        outputs: Int = 1
    ) -> OperatorRunner {
        OperatorRunner(name, domain: "ai.onnx.ml", version: version, attributes, outputs: outputs)
    }

    private func strings(_ texts: String...) -> Tensor {
        Tensor(shape: [texts.count], byteStrings: texts.map { Array($0.utf8) })
    }

    private func list(_ texts: String...) -> Attribute { .strings(texts.map { Array($0.utf8) }) }

    @Test func `LabelEncoder knows strings on either side`() throws {
        let numbers = runner(
            "LabelEncoder",
            version: 2,
            [
                "keys_strings": list("a", "b"), "values_int64s": .ints([1, 2]),
                "default_int64": .int(7),
            ]
        )
        #expect(try numbers.integers(.input(strings("b", "c", "a"))) == [2, 7, 1])
        let texts = runner(
            "LabelEncoder",
            version: 4,
            ["keys_floats": .floats([0, .nan]), "values_strings": list("zero", "none")]
        )
        let found = try texts(f([.nan, -0.0, 1]))[0]
        #expect(found.byteStrings == ["none", "zero", "_Unused"].map { Array($0.utf8) })
        let tensors = runner(
            "LabelEncoder",
            version: 4,
            [
                "keys_tensor": .tensor(strings("x")),
                "values_tensor": .tensor(
                    Tensor(elementType: .int16, shape: [1], values: [Int16(3)])
                ),
                "default_tensor": .tensor(
                    Tensor(elementType: .int16, shape: [1], values: [Int16(-3)])
                ),
            ]
        )
        #expect(try tensors.integers(.input(strings("y", "x"))) == [-3, 3])
    }

    @Test func `CategoryMapper goes both ways`() throws {
        let mapper = runner(
            "CategoryMapper",
            ["cats_strings": list("a", "b"), "cats_int64s": .ints([5, 6])]
        )
        #expect(try mapper.integers(.input(strings("b", "z"))) == [6, -1])
        let back = try mapper(i([5, 9]))[0].byteStrings
        #expect(back == [Array("a".utf8), Array("_Unused".utf8)])
    }

    @Test func `OneHotEncoder gives a column to each category`() throws {
        let encoder = runner("OneHotEncoder", ["cats_int64s": .ints([3, 1])])
        let found = try encoder(i([1, 3, 2]))[0]
        #expect(found.shape == [3, 2] && found.floats == [0, 1, 1, 0, 0, 0])
        #expect(try encoder.floats(f([1, 1.5])) == [0, 1, 0, 0])
        let strict = runner("OneHotEncoder", ["cats_int64s": .ints([3]), "zeros": .int(0)])
        #expect(strict.refusal(i([2])).contains("none of the 1 categories"))
        let texts = runner("OneHotEncoder", ["cats_strings": list("a", "b")])
        #expect(try texts.floats(.input(strings("b", "c"))) == [0, 1, 0, 0])
    }

    @Test func `classifiers give strings for labels`() throws {
        let linear = runner(
            "LinearClassifier",
            [
                "coefficients": .floats([1, 0, 0, 1]), "intercepts": .floats([0, 0]),
                "classlabels_strings": list("left", "right"),
            ],
            outputs: 2
        )
        let found = try linear(f([2, 1, 1, 2], [2, 2]))
        #expect(found[0].byteStrings == [Array("left".utf8), Array("right".utf8)])
        #expect(found[1].floats == [2, 1, 1, 2])
    }

    /// A tree with one branch, in the format of version 5.
    private func tree(_ changes: [String: Attribute] = [:]) -> OperatorRunner {
        func floats(_ values: [Double]) -> Attribute {
            .tensor(Tensor(elementType: .fp64, shape: [values.count], values: values))
        }
        let attributes: [String: Attribute] = [
            "nodes_featureids": .ints([0, 1]), "nodes_splits": floats([0.5, 0]),
            "nodes_modes": .tensor(
                Tensor(elementType: .uint8, shape: [2], values: [0, 6] as [UInt8])
            ),
            "nodes_truenodeids": .ints([0, 2]), "nodes_trueleafs": .ints([1, 1]),
            "nodes_falsenodeids": .ints([1, 0]), "nodes_falseleafs": .ints([0, 1]),
            "tree_roots": .ints([0]), "membership_values": floats([2, 3, .nan]),
            "leaf_targetids": .ints([0, 1, 1]), "leaf_weights": floats([10, 20, 30]),
            "n_targets": .int(2),
        ]
        return runner("TreeEnsemble", version: 5, attributes.merging(changes) { $1 })
    }

    @Test func `TreeEnsemble asks for order and for membership, and shares leaves`() throws {
        // Below 0.5: leaf 0; else, if feature 1 is 2 or 3: leaf 2; else leaf 0 again.
        #expect(try tree().floats(f([0, 9, 1, 3, 1, 4], [3, 2])) == [10, 0, 0, 30, 10, 0])
        let doubles = Tensor(elementType: .fp64, shape: [1, 2], values: [1, 2] as [Double])
        #expect(try tree()(.input(doubles))[0].elements(as: Double.self) == [0, 30])
    }

    @Test func `trees with cycles or missing parts are refused`() {
        let x = f([0, 0], [1, 2])
        #expect(
            tree(["nodes_falsenodeids": .ints([0, 0]), "nodes_falseleafs": .ints([0, 1])])
                .refusal(x).contains("no beginning")
        )
        #expect(
            tree(["nodes_falsenodeids": .ints([1, 1]), "nodes_falseleafs": .ints([0, 0])])
                .refusal(x).contains("two parents")
        )
        #expect(tree(["nodes_truenodeids": .ints([9, 2])]).refusal(x).contains("leaf 9"))
        #expect(tree(["leaf_targetids": .ints([0, 1, 2])]).refusal(x).contains("votes for 2"))
        #expect(tree(["nodes_featureids": .ints([0, 5])]).refusal(x).contains("6 features"))
        #expect(tree(["tree_roots": .ints([7])]).refusal(x).contains("branch 7"))
    }
}
