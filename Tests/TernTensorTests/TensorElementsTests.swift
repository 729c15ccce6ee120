import Testing

@testable import TernTensor

@Suite struct TensorElementsTests {
    @Test func `values go in and come out`() {
        let tensor = Tensor(
            elementType: .int64,
            shape: [2, 2],
            values: [1, -2, .max, .min] as [Int64]
        )
        #expect(tensor.elements(as: Int64.self) == [1, -2, .max, .min])
        #expect(tensor.integerElements == [1, -2, .max, .min])
        let empty = Tensor(elementType: .fp32, shape: [0], values: [Float]())
        #expect(empty.elements(as: Float.self).isEmpty)
    }

    @Test func `whole numbers of every width are integers, others are not`() {
        func integers<T: BitwiseCopyable>(_ type: ElementType, _ values: [T]) -> [Int]? {
            Tensor(elementType: type, shape: [values.count], values: values).integerElements
        }
        #expect(integers(.int32, [-1, 2] as [Int32]) == [-1, 2])
        #expect(integers(.int16, [-1, 2] as [Int16]) == [-1, 2])
        #expect(integers(.int8, [-1, 2] as [Int8]) == [-1, 2])
        #expect(integers(.uint32, [.max] as [UInt32]) == [4_294_967_295])
        #expect(integers(.uint16, [.max] as [UInt16]) == [65535])
        #expect(integers(.uint8, [.max] as [UInt8]) == [255])
        #expect(integers(.bool, [0, 1] as [UInt8]) == [0, 1])
        #expect(integers(.uint64, [1] as [UInt64]) == nil)
        #expect(integers(.fp32, [1] as [Float]) == nil)
    }

    @Test func `byte strings go in and come out`() {
        let strings: [[UInt8]] = [[], [1, 2, 3], Array(repeating: 7, count: 300)]
        let tensor = Tensor(shape: [3, 1], byteStrings: strings)
        #expect(tensor.byteStrings == strings)
        #expect(tensor.storage.byteCount == 3 * 4 + 303)
    }

    @Test func `memory that does not hold the byte strings gives nil`() {
        func strings(_ shape: Shape, _ bytes: [UInt8]) -> [[UInt8]]? {
            Tensor(elementType: .bytes, shape: shape, copyingBytes: bytes).byteStrings
        }
        #expect(strings([1], [1, 0, 0]) == nil)
        #expect(strings([1], [2, 0, 0, 0, 9]) == nil)
        #expect(strings([1], [0, 0, 0, 0, 9]) == nil)
        #expect(strings([1], [0xFF, 0xFF, 0xFF, 0xFF]) == nil)
        #expect(strings([2], [0, 0, 0, 0]) == nil)
        #expect(strings([Int.max], [0, 0, 0, 0]) == nil)
        #expect(strings([1], [1, 0, 0, 0, 9]) == [[9]])
    }

    #if os(Linux)
    @Test func `too few values stop the program`() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor(elementType: .fp32, shape: [3], values: [1, 2] as [Float])
        }
    }

    @Test func `values of another width stop the program`() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor(elementType: .fp32, shape: [1], values: [1] as [Double])
        }
    }
    #endif
}
