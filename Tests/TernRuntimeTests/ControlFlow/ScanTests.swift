import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct ScanTests {
    /// Running sums of x: gives the last, and all of them.
    private func sums(_ attributes: [String: Attribute] = [:]) throws -> CompiledModel {
        var maker = GraphMaker()
        maker.input("start", [.symbolic("k")])
        maker.input("x", [.symbolic("n"), .symbolic("m")])
        let body = maker.subgraph { inner in
            inner.input("sum", nil)
            inner.input("slice", nil)
            inner.node("Add", ["sum", "slice"], ["next"])
            inner.output("next")
            inner.node("Identity", ["next"], ["out"])
            inner.output("out")
        }
        let all = attributes.merging(["body": body, "num_scan_inputs": .int(1)]) { $1 }
        maker.node("Scan", ["start", "x"], ["last", "all"], all)
        maker.output("last")
        maker.output("all")
        return try CompiledModel(maker.graph)
    }

    @Test func `the body runs once for each slice`() throws {
        let model = try sums()
        let found = try Session(model)([.floats([0, 0]), .floats([1, 2, 3, 4, 5, 6], [3, 2])])
        #expect(found[0].floats == [9, 12])
        #expect(found[1].shape == [3, 2] && found[1].floats == [1, 2, 4, 6, 9, 12])
        #expect(try model.plan(for: [[2], [3, 2]]).dynamicNodes.isEmpty)
    }

    @Test func `inputs and outputs go backwards`() throws {
        let back = try sums([
            "scan_input_directions": .ints([1]), "scan_output_directions": .ints([1]),
        ])
        let found = try Session(back)([.floats([0]), .floats([1, 2, 3], [3, 1])])
        #expect(found[0].floats == [6] && found[1].floats == [6, 5, 3])
    }

    @Test func `slices lie along any axis`() throws {
        let across = try sums(["scan_input_axes": .ints([1]), "scan_output_axes": .ints([-1])])
        let found = try Session(across)([.floats([0, 0]), .floats([1, 2, 3, 4, 5, 6], [2, 3])])
        #expect(found[0].floats == [6, 15])
        #expect(found[1].shape == [2, 3] && found[1].floats == [1, 3, 6, 4, 9, 15])
    }

    @Test func `a scan of nothing gives its first states`() throws {
        let found = try Session(try sums())([.floats([7, 8]), .floats([], [0, 2])])
        #expect(found[0].floats == [7, 8] && found[1].shape == [0, 2])
    }

    @Test func `what does not fit is refused`() throws {
        let error = #expect(throws: RuntimeError.self) {
            try Session(try sums())([.floats([0, 0, 0]), .floats([1, 2], [1, 2])])
        }
        #expect(error?.description.contains("broadcast") == true)
        #expect(throws: GraphError.self) { try sums(["scan_input_axes": .ints([2])]) }
        #expect(throws: GraphError.self) { try sums(["scan_input_axes": .ints([0, 0])]) }
    }
}
