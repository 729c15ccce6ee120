import TernTensor
import Testing

@testable import tern

struct TensorJSONTests {
    @Test func `nested arrays give the shape, and numbers become the model's type`() throws {
        let tensor = try Tensor(json: "[[1, 2.5, -3], [4, 5, 6]]", elementType: .fp32)
        #expect(tensor.shape == [2, 3])
        #expect(tensor.elements(as: Float.self) == [1, 2.5, -3, 4, 5, 6])
    }

    @Test func `a single value is a scalar`() throws {
        let tensor = try Tensor(json: "7", elementType: .int64)
        #expect(tensor.shape == [])
        #expect(tensor.elements(as: Int64.self) == [7])
    }

    @Test func `an empty array has no elements`() throws {
        let tensor = try Tensor(json: "[]", elementType: .fp32)
        #expect(tensor.shape == [0])
    }

    @Test func `truth values and strings are read for their types`() throws {
        let flags = try Tensor(json: "[true, false, 1]", elementType: .bool)
        #expect(flags.elements(as: UInt8.self) == [1, 0, 1])
        let words = try Tensor(json: #"["a", "", "grün"]"#, elementType: .bytes)
        #expect(words.byteStrings == [Array("a".utf8), [], Array("grün".utf8)])
    }

    @Test(arguments: [
        ("[1, [2]]", ElementType.fp32), ("[[1], [2, 3]]", .fp32), ("[[1], 2]", .fp32),
        ("nonsense", .fp32), ("[\"a\"]", .fp32), ("[1.5]", .int32), ("[300]", .uint8),
        ("[-1]", .uint64), ("[1]", .bytes), ("[2]", .bool), ("[[[[[[[[[1]]]]]]]]]", .fp32),
    ])
    func `what doesn't fit is refused`(_ json: String, _ type: ElementType) {
        #expect(throws: Failure.self) { try Tensor(json: json, elementType: type) }
    }

    @Test func `the largest integers survive`() throws {
        let tensor = try Tensor(json: "[9007199254740992, -5]", elementType: .int64)
        #expect(tensor.elements(as: Int64.self) == [9_007_199_254_740_992, -5])
    }

    @Test func `BF16 rounds to nearest, ties to even`() throws {
        let tensor = try Tensor(json: "[1, 1.00390625, 1.01171875]", elementType: .bf16)
        #expect(tensor.elements(as: UInt16.self) == [0x3F80, 0x3F80, 0x3F82])
    }

    @Test func `a tensor is printed as the JSON it could be read from`() throws {
        let tensor = try Tensor(json: "[[1, 2], [3, 4]]", elementType: .int32)
        #expect(tensor.text() == "[[1, 2], [3, 4]]")
        #expect(try Tensor(json: "5", elementType: .fp32).text() == "5.0")
        let long = Tensor(elementType: .int32, shape: [40], values: (0..<40).map(Int32.init))
        #expect(long.text(axisLimit: 4) == "[0, 1, …, 38, 39]")
    }
}
