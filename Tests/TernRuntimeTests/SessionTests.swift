import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct SessionTests {
    private func identity() throws -> CompiledModel {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n")])
        maker.node("Identity", ["x"], ["y"])
        maker.output("y")
        return try CompiledModel(maker.graph)
    }

    /// Twice x plus one.
    private func affine() throws -> CompiledModel {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(2)])
        maker.weight("two", .floats([2], []))
        maker.weight("one", .floats([1], []))
        maker.node("Mul", ["x", "two"], ["double"])
        maker.node("Add", ["double", "one"], ["y"])
        maker.output("y")
        return try CompiledModel(maker.graph)
    }

    @Test func `the identity's output is the input's own bytes`() throws {
        let session = Session(try identity())
        var values: [Float] = [1, 2, 3]
        try unsafe values.withUnsafeMutableBytes { bytes in
            try unsafe session.bindInput(0, UnsafeRawBufferPointer(bytes), shape: [3])
            try session.run()
            #expect(session.outputShape(0) == [3])
            let isSame = unsafe session.outputBytes(0).withUnsafeBytes {
                unsafe $0.baseAddress == UnsafeRawPointer(bytes.baseAddress) && $0.count == 12
            }
            #expect(isSame)
        }
    }

    @Test func `a session runs again with other values and other shapes`() throws {
        let session = Session(try affine())
        for count in [1, 3, 2, 1, 0, 3] {
            let x = Tensor.floats(noise(count * 2), [count, 2])
            let y = try session([x])[0]
            #expect(y.shape == [count, 2])
            expectClose(y.floats, x.floats.map { 2 * $0 + 1 })
        }
    }

    @Test func `more shapes than a session keeps at hand still work`() throws {
        let session = Session(try affine())
        for count in Array(1...200) + Array(1...20) {
            #expect(try session([.floats(noise(count * 2), [count, 2])])[0].shape == [count, 2])
        }
    }

    @Test(arguments: 0..<8)
    func `inputs are read at any alignment`(_ offset: Int) throws {
        let session = Session(try affine())
        let buffer = AlignedBuffer(byteCount: 16)
        try unsafe buffer.withMutableBytes { bytes in
            for (index, value) in ([1, 2] as [Float]).enumerated() {
                unsafe bytes.storeBytes(
                    of: value,
                    toByteOffset: offset + 4 * index,
                    as: Float.self
                )
            }
            try unsafe session.bindInput(
                0,
                UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + 8)]),
                shape: [1, 2]
            )
        }
        try session.run()
        #expect(session.output(0).floats == [3, 5])
    }

    @Test func `what does not fit the model is refused with what was expected`() throws {
        let session = Session(try affine())
        let x = Tensor.floats([1, 2, 3], [1, 3])
        #expect(throws: RuntimeError.shapeMismatch(input: "x", expected: "[n, 2]", found: [1, 3])) {
            try session.bindInput(0, x)
        }
        #expect(throws: RuntimeError.byteCountMismatch(input: "x", expected: 8, found: 4)) {
            try unsafe session.bindInput(
                0,
                UnsafeRawBufferPointer(start: x.storage.baseAddress, count: 4),
                shape: [1, 2]
            )
        }
        #expect(throws: RuntimeError.noSuchInput(index: 1, inputCount: 1)) {
            try session.bindInput(1, x)
        }
        #expect(throws: RuntimeError.inputNotBound(name: "x")) { try session.run() }
        #expect(throws: RuntimeError.self) { try session.bindInput(0, .integers([1, 2], [1, 2])) }
        #expect(try session([.floats([1, 2], [1, 2])])[0].floats == [3, 5])
    }

    @Test func `the same name must be the same size in every input`() throws {
        var maker = GraphMaker()
        maker.input("a", [.symbolic("n")])
        maker.input("b", [.symbolic("n")])
        maker.node("Add", ["a", "b"], ["y"])
        maker.output("y")
        let session = Session(try CompiledModel(maker.graph))
        let error = #expect(throws: RuntimeError.self) {
            try session([.floats([1, 2]), .floats([1])])
        }
        #expect(error?.description.contains("n is 2") == true)
    }

    @Test func `a node that fails names itself, and the session goes on`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(3)])
        maker.input("index", [.fixed(1)], .int64)
        maker.node("Gather", ["x", "index"], ["y"], name: "pick")
        maker.output("y")
        let session = Session(try CompiledModel(maker.graph))
        let error = #expect(throws: RuntimeError.self) {
            try session([.floats([1, 2, 3]), .integers([3])])
        }
        #expect(
            error
                == .nodeFailed(
                    node: "node \"pick\"",
                    operatorName: "Gather",
                    reason: "index 3 is outside axis 0, which has 3 elements"
                )
        )
        #expect(try session([.floats([1, 2, 3]), .integers([-1])])[0].floats == [3])
    }

    @Test func `nodes after one whose size depends on the data run as well`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n")])
        maker.weight("one", .floats([1], []))
        maker.weight("two", .floats([2], []))
        maker.node("Add", ["x", "one"], ["shifted"])
        maker.node("NonZero", ["shifted"], ["places"])
        maker.node("Transpose", ["places"], ["column"])
        maker.node("GatherND", ["shifted", "column"], ["picked"])
        maker.node("Mul", ["picked", "two"], ["y"])
        maker.output("y")
        maker.output("shifted")
        let session = Session(try CompiledModel(maker.graph))
        for _ in 0..<2 {
            let found = try session([.floats([-1, 0, 4, -1])])
            #expect(found[0].floats == [2, 10])
            #expect(found[1].floats == [0, 1, 5, 0])
            #expect(try session([.floats([-1])])[0].floats == [])
        }
    }

    @Test func `an output of data-dependent length may be enormous only in the request`() throws {
        var maker = GraphMaker()
        maker.input("shape", [.fixed(1)], .int64)
        maker.node("ConstantOfShape", ["shape"], ["y"])
        maker.output("y")
        let model = try CompiledModel(
            maker.graph,
            options: CompiledModel.Options(memoryByteCountLimit: 1 << 20)
        )
        let session = Session(model)
        #expect(try session([.integers([4])])[0].floats == [0, 0, 0, 0])
        for size in [Int64(1) << 40, .max, -1] {
            #expect(throws: RuntimeError.self) { try session([.integers([size])]) }
        }
    }

    @Test func `working memory has a limit`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n")])
        maker.node("Exp", ["x"], ["y"])
        maker.output("y")
        let model = try CompiledModel(
            maker.graph,
            options: CompiledModel.Options(memoryByteCountLimit: 4096)
        )
        let session = Session(model)
        #expect(try session([.floats([0])])[0].floats == [1])
        let error = #expect(throws: RuntimeError.self) { try session([.floats(noise(2000))]) }
        #expect(error == .memoryLimitExceeded(neededByteCount: 8000 + 0, limit: 4096))
    }

    @Test func `an input stays whole when nodes may write in place`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(3)])
        maker.node("Relu", ["x"], ["r"])
        maker.node("Neg", ["r"], ["n"])
        maker.node("Add", ["r", "n"], ["zero"])
        maker.node("Sub", ["x", "r"], ["rest"])
        maker.output("zero")
        maker.output("rest")
        maker.output("r")
        let session = Session(try CompiledModel(maker.graph))
        let x = Tensor.floats([-1, 2, -3])
        let found = try session([x])
        #expect(found.map(\.floats) == [[0, 0, 0], [-1, 0, -3], [0, 2, 0]])
        #expect(x.floats == [-1, 2, -3])
    }

    @Test func `two sessions of one model do not share memory`() throws {
        let model = try affine()
        let (first, second) = (Session(model), Session(model))
        try first.bindInput(0, .floats([1, 2], [1, 2]))
        try second.bindInput(0, .floats([10, 20], [1, 2]))
        try first.run()
        try second.run()
        #expect(first.output(0).floats == [3, 5])
        #expect(second.output(0).floats == [21, 41])
    }

    @Test func `reading an output before the model has run is a mistake in the program`() async {
        await #expect(processExitsWith: .failure) {
            var maker = GraphMaker()
            maker.input("x", [.fixed(1)])
            maker.node("Exp", ["x"], ["y"])
            maker.output("y")
            let session = Session(try CompiledModel(maker.graph))
            _ = session.outputShape(0)
        }
    }
}
