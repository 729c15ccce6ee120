import TernKernels
import TernMicrokernels
import TernTensor
import Testing

@Suite(.takingTurns) struct LayoutTests {
    func check<Element: BitwiseCopyable & FixedWidthInteger>(
        _ shape: Shape,
        _ permutation: [Int],
        _ type: Element.Type,
        _ context: KernelContext
    ) {
        let x = Guarded((0..<shape.elementCount).map { Element(truncatingIfNeeded: $0) })
        let y = Guarded<Element>(repeating: 0, count: x.count)
        var order = InlineArray<8, Int>(repeating: 0)
        for (i, axis) in permutation.enumerated() { order[i] = axis }
        let copy = StridedCopy(transposing: shape, permutation: order)
        unsafe copy.run(
            x.pointer,
            into: y.pointer,
            elementByteCount: MemoryLayout<Element>.size,
            context: context
        )
        let strides = StridedCopy.denseStrides(shape)
        for index in 0..<x.count {
            var rest = index
            var source = 0
            for axis in copy.shape.indices.reversed() {
                source += rest % copy.shape[axis] * strides[permutation[axis]]
                rest /= copy.shape[axis]
            }
            guard y[index] == x[source] else {
                Issue.record("\(shape) by \(permutation) at \(index)")
                return
            }
        }
    }

    @Test func `any permutation of any rank moves every element to its place`() {
        for context in contexts + pools.map({ KernelContext(table: tables[0], pool: $0) }) {
            check([], [], UInt8.self, context)
            check([5], [0], UInt16.self, context)
            check([37, 41], [1, 0], UInt32.self, context)
            check([200, 300], [1, 0], UInt64.self, context)
            check([64, 48], [1, 0], UInt32.self, context)
            check([33, 130], [1, 0], UInt32.self, context)
            check([3, 16, 50], [0, 2, 1], UInt32.self, context)
            check([3, 50, 16], [2, 1, 0], UInt32.self, context)
            check([2, 3, 4], [2, 0, 1], UInt8.self, context)
            check([2, 3, 4, 5], [0, 2, 1, 3], UInt16.self, context)
            check([2, 3, 1, 5], [3, 2, 1, 0], UInt32.self, context)
            check([2, 1, 3, 2, 1, 2, 3, 2], [7, 3, 0, 5, 2, 6, 1, 4], UInt64.self, context)
            check([0, 3], [1, 0], UInt32.self, context)
        }
    }

    @Test func `expanding repeats, and refuses what does not fit`() throws {
        let x = Guarded<Int32>([1, 2, 3])
        let copy = try #require(StridedCopy(expanding: [3, 1], to: [2, 3, 2]))
        let y = Guarded<Int32>(repeating: 0, count: 12)
        unsafe copy.run(x.pointer, into: y.pointer, elementByteCount: 4, context: contexts[0])
        #expect(y.values == [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3])
        #expect(StridedCopy(expanding: [2], to: [3]) == nil)
        #expect(StridedCopy(expanding: [1, 1], to: [3]) == nil)
    }

    @Test func `strides may be negative, and a target may have gaps`() {
        let x = Guarded<UInt16>([1, 2, 3, 4, 5, 6])
        let y = Guarded<UInt16>(repeating: 0, count: 8)
        var source = InlineArray<8, Int>(repeating: 0)
        source[0] = 3
        source[1] = -1
        var target = InlineArray<8, Int>(repeating: 0)
        target[0] = 4
        target[1] = 1
        let copy = StridedCopy(shape: [2, 3], sourceStrides: source, targetStrides: target)
        unsafe copy.run(x.pointer + 2, into: y.pointer, elementByteCount: 2, context: contexts[0])
        #expect(y.values == [3, 2, 1, 0, 6, 5, 4, 0])
    }
}
