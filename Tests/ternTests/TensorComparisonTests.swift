import TernTensor
import Testing

@testable import tern

struct TensorComparisonTests {
    private func floats(_ values: [Float], shape: Shape? = nil) -> Tensor {
        Tensor(elementType: .fp32, shape: shape ?? [values.count], values: values)
    }

    private func mismatch(
        _ actual: [Float],
        _ expected: [Float],
        within tolerance: Tolerance = .standard
    ) -> String? {
        TensorComparison(actual: floats(actual), expected: floats(expected), within: tolerance)
            .mismatch
    }

    @Test func `equal tensors match, whatever their values`() {
        let values: [Float] = [0, -0, 1, .nan, .infinity, -.infinity, .leastNonzeroMagnitude]
        #expect(mismatch(values, values) == nil)
    }

    @Test func `a NaN matches only a NaN, and an infinity only the same infinity`() {
        #expect(mismatch([.nan], [1]) != nil)
        #expect(mismatch([1], [.nan]) != nil)
        #expect(mismatch([.infinity], [1]) != nil)
        #expect(mismatch([1], [.infinity]) != nil)
        #expect(mismatch([-.infinity], [.infinity]) != nil)
        #expect(mismatch([3e38], [.infinity], within: .scale(factor: 1)) != nil)
    }

    @Test func `the standard tolerance is 1e-7 and a thousandth of what is expected`() {
        #expect(mismatch([1.0009], [1]) == nil)
        #expect(mismatch([1.0011], [1]) != nil)
        #expect(mismatch([0.9e-7], [0]) == nil)
        #expect(mismatch([2e-7], [0]) != nil)
    }

    @Test func `a scale is measured against the largest magnitude of the whole output`() {
        #expect(mismatch([100, 0.009], [100, 0], within: .scale(factor: 1e-4)) == nil)
        #expect(mismatch([100, 0.011], [100, 0], within: .scale(factor: 1e-4)) != nil)
        #expect(mismatch([1e-9], [0], within: .scale(factor: 1e-4)) != nil)
    }

    @Test func `a mismatch tells where it is, what was found and how many there are`() throws {
        let comparison = TensorComparison(
            actual: floats([1, 2, 3, 9, 5, 7], shape: [2, 3]),
            expected: floats([1, 2, 3, 4, 5, 6], shape: [2, 3]),
            within: .standard
        )
        #expect(comparison.mismatch == "2 of 6 elements differ, first at [1, 0]: 9.0, expected 4.0")
        #expect(comparison.largestDifference == 5)
        #expect(comparison.largestMagnitude == 6)
    }

    @Test func `other types and other shapes are mismatches with both named`() {
        let ints = Tensor(elementType: .int32, shape: [1], values: [Int32(1)])
        let type = TensorComparison(actual: floats([1]), expected: ints, within: .standard)
        #expect(type.mismatch == "is FP32, expected INT32")
        let shape = TensorComparison(
            actual: floats([1, 2], shape: [2]),
            expected: floats([1, 2], shape: [1, 2]),
            within: .standard
        )
        #expect(shape.mismatch == "has shape [2], expected [1, 2]")
    }

    @Test func `64-bit integers that a Double cannot hold are compared as they are`() {
        let large = Int64(1) << 60
        let one = Tensor(elementType: .int64, shape: [1], values: [large])
        let other = Tensor(elementType: .int64, shape: [1], values: [large + 1])
        #expect(TensorComparison(actual: one, expected: one, within: .standard).mismatch == nil)
        #expect(TensorComparison(actual: one, expected: other, within: .standard).mismatch != nil)
    }

    @Test func `empty tensors match`() {
        #expect(mismatch([], []) == nil)
        #expect(mismatch([], [], within: .scale(factor: 0)) == nil)
    }
}
