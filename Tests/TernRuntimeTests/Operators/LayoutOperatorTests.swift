import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct LayoutOperatorTests {
    private let six = f([1, 2, 3, 4, 5, 6], [2, 3])

    // MARK: Views

    @Test func `Reshape infers one axis and copies another`() throws {
        #expect(try OperatorRunner("Reshape", version: 14).shape(six, wi([0, -1])) == [2, 3])
        #expect(try OperatorRunner("Reshape", version: 14).shape(six, wi([3, -1])) == [3, 2])
        #expect(
            try OperatorRunner("Reshape", version: 14).shape(f([], [0, 3]), wi([3, -1, 2])) == [
                3, 0, 2,
            ]
        )
    }

    @Test func `Reshape with a target that is bound works, and a wrong one is an error`() throws {
        let reshape = OperatorRunner("Reshape", version: 14)
        let found = try reshape(six, i([3, 2]))
        #expect(found[0].shape == [3, 2])
        #expect(found[0].elements(as: Float.self) == [1, 2, 3, 4, 5, 6])
        let refusal = reshape.refusal(six, i([4, 2]))
        #expect(refusal.contains("node \"node\"") && refusal.contains("[4, 2]"))
    }

    @Test func `Reshape before version 5 has an attribute`() throws {
        #expect(
            try OperatorRunner("Reshape", version: 1, ["shape": .ints([6])]).shape(six) == [6]
        )
    }

    @Test func `Flatten, Squeeze and Unsqueeze change shapes only`() throws {
        let x = f([1, 2, 3, 4], [1, 2, 1, 2])
        #expect(try OperatorRunner("Flatten", version: 13, ["axis": .int(2)]).shape(x) == [2, 2])
        #expect(try OperatorRunner("Flatten", version: 13, ["axis": .int(0)]).shape(x) == [1, 4])
        #expect(try OperatorRunner("Squeeze", version: 13).shape(x, wi([-2])) == [1, 2, 2])
        #expect(try OperatorRunner("Squeeze", version: 13).shape(x) == [2, 2])
        #expect(
            try OperatorRunner("Squeeze", version: 11, ["axes": .ints([0])]).shape(x) == [2, 1, 2]
        )
        #expect(
            try OperatorRunner("Unsqueeze", version: 13).shape(six, wi([0, -1])) == [1, 2, 3, 1]
        )
        #expect(
            try OperatorRunner("Unsqueeze", version: 11, ["axes": .ints([1])]).shape(six)
                == [2, 1, 3]
        )
    }

    @Test func `squeezing an axis that is not 1 is refused`() {
        #expect(
            OperatorRunner("Squeeze", version: 13).refusal(six, wi([0])).contains("expected 1")
        )
    }

    @Test func `Dropout hands its input on and can give the mask`() throws {
        let outputs = try OperatorRunner("Dropout", version: 13, outputs: 2)(f([1, 2]))
        #expect(outputs[0].elements(as: Float.self) == [1, 2])
        #expect(outputs[1].integerElements == [1, 1])
    }

    // MARK: Moving

    @Test func `Transpose reverses the axes or permutes them`() throws {
        #expect(try OperatorRunner("Transpose", version: 13).floats(six) == [1, 4, 2, 5, 3, 6])
        let permuted = try OperatorRunner("Transpose", version: 13, ["perm": .ints([1, 0, 2])])(
            f([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])
        )
        #expect(permuted[0].elements(as: Float.self) == [1, 2, 5, 6, 3, 4, 7, 8])
        #expect(try OperatorRunner("Transpose", version: 13).floats(f([7], [])) == [7])
        #expect(
            OperatorRunner("Transpose", version: 13, ["perm": .ints([0, 0])]).refusal(six)
                .contains("perm")
        )
    }

    @Test func `Concat joins along an axis, empty parts too`() throws {
        let joined = try OperatorRunner("Concat", version: 13, ["axis": .int(-1)])(
            six,
            f([], [2, 0]),
            f([7, 8], [2, 1])
        )
        #expect(joined[0].shape == [2, 4])
        #expect(joined[0].elements(as: Float.self) == [1, 2, 3, 7, 4, 5, 6, 8])
        #expect(
            OperatorRunner("Concat", version: 13, ["axis": .int(1)]).refusal(six, f([1], [1, 1]))
                .contains("axis 0")
        )
    }

    @Test func `Split cuts equally, by sizes, and with a shorter last part`() throws {
        let x = f([1, 2, 3, 4, 5])
        let sized = try OperatorRunner("Split", version: 13, outputs: 2)(x, wi([2, 3]))
        #expect(sized.map { $0.elements(as: Float.self) } == [[1, 2], [3, 4, 5]])
        let uneven = try OperatorRunner("Split", version: 18, ["num_outputs": .int(2)], outputs: 2)(
            x
        )
        #expect(uneven.map { $0.elements(as: Float.self) } == [[1, 2, 3], [4, 5]])
        let old = try OperatorRunner("Split", version: 11, ["split": .ints([1, 4])], outputs: 2)(x)
        #expect(old.map { $0.elements(as: Float.self) } == [[1], [2, 3, 4, 5]])
        #expect(
            OperatorRunner("Split", version: 13, outputs: 2).refusal(x).contains("equal parts")
        )
    }

    @Test func `Slice counts from either end and in steps`() throws {
        let x = f((0..<10).map { Float($0) })
        let slice = OperatorRunner("Slice", version: 13)
        #expect(try slice.floats(x, wi([2]), wi([-2])) == [2, 3, 4, 5, 6, 7])
        #expect(try slice.floats(x, wi([-1]), wi([.min]), wi([0]), wi([-3])) == [9, 6, 3, 0])
        #expect(try slice.floats(x, wi([0]), wi([.max]), wi([0]), wi([4])) == [0, 4, 8])
        #expect(try slice.floats(x, wi([5]), wi([5])) == [])
        #expect(try slice.floats(x, wi([20]), wi([30])) == [])
        #expect(try slice.floats(x, wi([-100]), wi([1])) == [0])
        #expect(try slice.floats(x, wi([0]), wi([10]), wi([0]), wi([.max])) == [0])
        #expect(try slice.floats(six, wi([1]), wi([2]), wi([-1])) == [2, 5])
        #expect(slice.refusal(x, wi([0]), wi([1]), wi([0]), wi([0])).contains("step"))
    }

    @Test func `Slice with bounds that are bound works as well`() throws {
        let slice = OperatorRunner("Slice", version: 13)
        #expect(try slice.floats(f([1, 2, 3, 4]), i([1]), i([3])) == [2, 3])
    }

    @Test func `Slice before version 10 has attributes`() throws {
        let slice = OperatorRunner("Slice", version: 1, ["starts": .ints([1]), "ends": .ints([3])])
        #expect(try slice.floats(f([1, 2, 3, 4])) == [2, 3])
    }

    @Test func `Expand and Tile repeat`() throws {
        let expanded = try OperatorRunner("Expand", version: 13)(
            f([1, 2], [2, 1]),
            wi([2, 1, 2])
        )
        #expect(expanded[0].shape == [2, 2, 2])
        #expect(expanded[0].elements(as: Float.self) == [1, 1, 2, 2, 1, 1, 2, 2])
        let tiled = try OperatorRunner("Tile", version: 13)(f([1, 2, 3, 4], [2, 2]), wi([2, 2]))
        #expect(tiled[0].shape == [4, 4])
        #expect(
            tiled[0].elements(as: Float.self)
                == [1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4]
        )
        #expect(try OperatorRunner("Tile", version: 13).shape(six, wi([0, 2])) == [0, 6])
    }

    @Test func `Concat joins pieces of every length`() throws {
        for columns in [1, 2, 3, 4, 5] {
            let parts = (0..<3).map { part in
                (0..<4 * columns).map { Float(100 * part + $0) }
            }
            let joined = try OperatorRunner("Concat", version: 13, ["axis": .int(1)])(
                f(parts[0], [4, columns]),
                f(parts[1], [4, columns]),
                f(parts[2], [4, columns])
            )
            var expected: [Float] = []
            for row in 0..<4 {
                for part in parts { expected += part[row * columns..<(row + 1) * columns] }
            }
            #expect(joined[0].elements(as: Float.self) == expected)
        }
    }

    @Test func `Pad does the same to every axis, inner ones whole or not`() throws {
        let shape = [3, 2, 4]
        let values = (0..<24).map { Float($0) }
        let cases: [[Int64]] = [
            [0, 0, 0, 0, 0, 0], [1, 0, 0, 2, 0, 0], [0, 1, 0, 0, 2, 0], [0, 0, 3, 0, 0, 1],
            [1, 1, 1, 1, 1, 1], [-1, 0, 2, 1, -1, -2], [0, 0, -4, 0, 0, 0], [0, -1, 0, 0, 1, 0],
        ]
        for pads in cases {
            for constant: Float in [0, 1.5] {
                let found = try OperatorRunner("Pad", version: 19)(
                    f(values, [3, 2, 4]),
                    wi(pads),
                    wf([constant], [])
                )
                var expected: [Float] = []
                let sizes = (0..<3).map { shape[$0] + Int(pads[$0] + pads[$0 + 3]) }
                for i in 0..<sizes[0] {
                    for j in 0..<sizes[1] {
                        for k in 0..<sizes[2] {
                            let place = [i, j, k].enumerated().map { $1 - Int(pads[$0]) }
                            let isInside = zip(place, shape).allSatisfy { $0 >= 0 && $0 < $1 }
                            expected.append(
                                isInside
                                    ? values[(place[0] * 2 + place[1]) * 4 + place[2]] : constant
                            )
                        }
                    }
                }
                #expect(found[0].elements(as: Float.self) == expected, "\(pads)")
            }
        }
    }

    @Test func `Pad fills, reflects, repeats, wraps and cuts`() throws {
        func pad(_ mode: String, _ pads: [Int64], _ rest: Argument...) throws -> [Float] {
            let runner = OperatorRunner("Pad", version: 19, ["mode": .string(Array(mode.utf8))])
            return try runner.run([f([1, 2, 3]), wi(pads)] + rest)[0].elements(as: Float.self)
        }
        #expect(try pad("constant", [1, 2]) == [0, 1, 2, 3, 0, 0])
        #expect(try pad("constant", [1, 0], wf([9], [])) == [9, 1, 2, 3])
        #expect(try pad("reflect", [2, 2]) == [3, 2, 1, 2, 3, 2, 1])
        #expect(try pad("edge", [1, 2]) == [1, 1, 2, 3, 3, 3])
        #expect(try pad("wrap", [1, 2]) == [3, 1, 2, 3, 1, 2])
        #expect(try pad("constant", [-1, 1]) == [2, 3, 0])
        let old = OperatorRunner("Pad", version: 2, ["pads": .ints([0, 1]), "value": .float(5)])
        #expect(try old.floats(f([1])) == [1, 5])
        let axes = try OperatorRunner("Pad", version: 18)(six, wi([0, 1]), .none, wi([-1]))
        #expect(axes[0].shape == [2, 4])
    }

    @Test func `depth becomes space and space becomes depth`() throws {
        let x = f((0..<8).map { Float($0) }, [1, 8, 1, 1])
        let block: [String: Attribute] = ["blocksize": .int(2)]
        let wide = try OperatorRunner("DepthToSpace", version: 13, block)(x)
        #expect(wide[0].shape == [1, 2, 2, 2])
        #expect(wide[0].elements(as: Float.self) == [0, 2, 4, 6, 1, 3, 5, 7])
        let back = try OperatorRunner("SpaceToDepth", version: 13, block)(.input(wide[0]))
        #expect(back[0].elements(as: Float.self) == (0..<8).map { Float($0) })
    }

    @Test func `Trilu keeps one side of a diagonal`() throws {
        let x = f([1, 2, 3, 4], [2, 2])
        #expect(try OperatorRunner("Trilu", version: 14).floats(x) == [1, 2, 0, 4])
        let lower = OperatorRunner("Trilu", version: 14, ["upper": .int(0)])
        #expect(try lower.floats(x, wi([-1], [])) == [0, 0, 3, 0])
    }

    // MARK: Picking

    @Test func `Gather takes rows, columns and scalars, from the end too`() throws {
        #expect(try OperatorRunner("Gather", version: 13).floats(six, i([-1])) == [4, 5, 6])
        let columns = try OperatorRunner("Gather", version: 13, ["axis": .int(1)])(six, i([2, 0]))
        #expect(columns[0].elements(as: Float.self) == [3, 1, 6, 4])
        #expect(try OperatorRunner("Gather", version: 13).shape(six, i([1], [])) == [3])
    }

    @Test func `an index outside its axis is an error with its value`() {
        let refusal = OperatorRunner("Gather", version: 13).refusal(six, i([2]))
        #expect(refusal.contains("index 2") && refusal.contains("2 elements"))
        #expect(OperatorRunner("Gather", version: 13).refusal(six, i([.min])).contains("index"))
        #expect(
            OperatorRunner("GatherElements", version: 13).refusal(six, i([5], [1, 1]))
                .contains("index 5")
        )
        #expect(
            OperatorRunner("GatherND", version: 13).refusal(six, i([0, 3], [1, 2]))
                .contains("index 3")
        )
    }

    @Test func `GatherElements and GatherND pick single elements`() throws {
        let picked = try OperatorRunner("GatherElements", version: 13, ["axis": .int(1)])(
            six,
            i([2, 0, -1, -3], [2, 2])
        )
        #expect(picked[0].elements(as: Float.self) == [3, 1, 6, 4])
        #expect(
            try OperatorRunner("GatherND", version: 13).floats(six, i([0, 1, 1, 2], [2, 2]))
                == [2, 6]
        )
    }

    @Test func `Scatter writes or adds updates into a copy`() throws {
        #expect(
            try OperatorRunner("ScatterElements", version: 18)
                .floats(f([0, 0, 0]), i([2, 0]), f([5, 6])) == [6, 0, 5]
        )
        #expect(
            try OperatorRunner("ScatterND", version: 18, ["reduction": .string(Array("add".utf8))])
                .floats(f([1, 1, 1]), i([1, 1], [2, 1]), f([5, 6])) == [1, 12, 1]
        )
    }
}
