import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Operators on strings, whose sizes no plan knows.
struct StringOperatorTests {
    private func s(_ values: [String], _ shape: Shape? = nil) -> Argument {
        .input(Tensor(shape: shape ?? [values.count], byteStrings: values.map { Array($0.utf8) }))
    }

    private func texts(_ tensors: [Tensor]) -> [String]? {
        tensors[0].byteStrings?.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `strings are moved`() throws {
        let x = s(["b", "", "ä", "b"], [2, 2])
        #expect(
            try texts(OperatorRunner("Transpose", version: 13)(x)) == ["b", "ä", "", "b"]
        )
        let joined = OperatorRunner("Concat", version: 13, ["axis": .int(0)])
        #expect(try texts(joined(s(["x"]), s(["", "z"]))) == ["x", "", "z"])
        #expect(
            try texts(OperatorRunner("Gather", version: 13)(s(["p", "q", "r"]), i([2, 0])))
                == ["r", "p"]
        )
        let chosen = OperatorRunner("Where", version: 16)
        #expect(
            try texts(chosen(b([true, false]), s(["x", "y"]), s(["z", "w"]))) == ["x", "w"]
        )
        #expect(
            try texts(OperatorRunner("Reshape", version: 14)(x, wi([4]))) == ["b", "", "ä", "b"]
        )
        let padded = OperatorRunner("CenterCropPad", version: 18)
        #expect(try texts(padded(s(["x"]), wi([3]))) == ["", "x", ""])
    }

    @Test func `strings are compared and ordered`() throws {
        #expect(
            try OperatorRunner("Equal", version: 19)(s(["a", "b"]), s(["b"]))[0].integerElements
                == [0, 1]
        )
        let unique = try OperatorRunner("Unique", version: 11, outputs: 2)(s(["b", "a", "b"]))
        #expect(texts(unique) == ["a", "b"])
        #expect(unique[1].integerElements == [1, 0])
    }

    @Test func `numbers become text and text becomes numbers`() throws {
        func cast(_ code: Int) -> OperatorRunner {
            OperatorRunner("Cast", version: 19, ["to": .int(code)])
        }
        #expect(
            try texts(cast(8)(f([0.5, .nan, -.infinity, 1e-5]))) == ["0.5", "NaN", "-INF", "1e-05"]
        )
        #expect(try texts(cast(8)(i([-7]))) == ["-7"])
        let back = try cast(1)(s(["0.5", "nan", "-INF", "1E3"]))[0].floats
        #expect(back[0] == 0.5 && back[1].isNaN && back[2] == -.infinity && back[3] == 1000)
        #expect(
            try cast(7).integers(s(["9007199254740993"])) == [9_007_199_254_740_993]
        )
        #expect(cast(1).refusal(s(["x"])).contains("\"x\" is not a number"))
        #expect(cast(3).refusal(s(["300"])).contains("not a whole number of INT8"))
        #expect(cast(9).refusal(s(["1"])).contains("cannot be converted"))
    }
}
