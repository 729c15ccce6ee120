import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct ImageOperatorTests {
    // MARK: Resize

    private let square = f([1, 2, 3, 4], [1, 1, 2, 2])

    @Test func `Resize repeats the nearest element, for every width of element`() throws {
        let resize = OperatorRunner(
            "Resize",
            version: 13,
            ["mode": .string(Array("nearest".utf8))]
        )
        let scales = wf([1, 1, 2, 3])
        let expected: [Float] = [
            1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4,
        ]
        let found = try resize(square, wf([]), scales)
        #expect(found[0].shape == [1, 1, 4, 6] && found[0].floats == expected)
        let bytes = try resize(t(.uint8, [1, 2, 3, 4] as [UInt8], [1, 1, 2, 2]), wf([]), scales)
        #expect(bytes[0].integerElements == expected.map { Int($0) })
    }

    @Test func `Resize by sizes weighs neighbours`() throws {
        let resize = OperatorRunner(
            "Resize",
            version: 13,
            [
                "mode": .string(Array("linear".utf8)),
                "coordinate_transformation_mode": .string(Array("align_corners".utf8)),
            ]
        )
        let found = try resize(square, .none, .none, wi([1, 1, 3, 3]))
        #expect(found[0].shape == [1, 1, 3, 3])
        expectClose(found[0].floats, [1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4])
        let doubles = try resize(
            t(.fp64, [1, 2, 3, 4] as [Double], [1, 1, 2, 2]),
            .none,
            .none,
            wi([1, 1, 3, 3])
        )
        #expect(doubles[0].elements(as: Double.self) == [1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4])
        let integers = try resize(
            t(.int32, [1, 3, 5, 7] as [Int32], [1, 1, 2, 2]),
            .none,
            .none,
            wi([1, 1, 3, 3])
        )
        #expect(integers[0].integerElements == [1, 2, 3, 3, 4, 5, 5, 6, 7])
    }

    @Test func `Resize with sizes that are bound, and old forms`() throws {
        let bound = OperatorRunner("Resize", version: 11)
        #expect(try bound.shape(square, .none, .none, i([1, 1, 4, 2])) == [1, 1, 4, 2])
        let old = OperatorRunner("Resize", version: 10)
        #expect(try old.floats(square, wf([1, 1, 1, 2])) == [1, 1, 2, 2, 3, 3, 4, 4])
        let oldest = OperatorRunner("Upsample", version: 7, ["scales": .floats([1, 1, 2, 1])])
        #expect(try oldest.floats(square) == [1, 2, 1, 2, 3, 4, 3, 4])
        #expect(
            try OperatorRunner("Upsample", version: 9).floats(square, wf([1, 1, 1, 2]))
                == [1, 1, 2, 2, 3, 3, 4, 4]
        )
    }

    @Test func `Resize keeps proportions, and crops`() throws {
        let keeping = OperatorRunner(
            "Resize",
            version: 18,
            [
                "axes": .ints([2, 3]),
                "keep_aspect_ratio_policy": .string(Array("not_larger".utf8)),
            ]
        )
        #expect(try keeping.shape(square, .none, .none, wi([6, 4])) == [1, 1, 4, 4])
        let crop = OperatorRunner(
            "Resize",
            version: 13,
            [
                "mode": .string(Array("nearest".utf8)),
                "coordinate_transformation_mode": .string(Array("tf_crop_and_resize".utf8)),
                "extrapolation_value": .float(9),
            ]
        )
        // The region reaches one image beyond the right edge.
        #expect(
            try crop.floats(square, wf([0, 0, 0, 0, 1, 1, 1, 2]), .none, wi([1, 1, 2, 3]))
                == [1, 2, 9, 3, 4, 9]
        )
    }

    @Test func `Resize refuses what has no size`() {
        let resize = OperatorRunner("Resize", version: 13)
        #expect(resize.refusal(square, .none, wf([1, 1, -1, 1])).contains("more than 0"))
        #expect(resize.refusal(square, .none, wf([1, 1, 1e30, 1])).contains("cannot be scaled"))
        #expect(resize.refusal(square, .none, wf([1, 1])).contains("2 scales"))
        #expect(resize.refusal(square).contains("neither"))
        let empty = resize.refusal(f([], [1, 1, 0, 2]), .none, .none, wi([1, 1, 2, 2]))
        #expect(empty.contains("no elements"))
        #expect(
            OperatorRunner("Resize", version: 13, ["mode": .string(Array("round".utf8))])
                .refusal(square, .none, wf([1, 1, 1, 1])).contains("mode is \"round\"")
        )
    }

    // MARK: GridSample

    @Test func `GridSample reads between elements, and what lies outside`() throws {
        let grid = f([-1, -1, 0, 0, 1, 1, 3, 3], [1, 1, 4, 2])
        func sample(_ padding: String) throws -> [Float] {
            try OperatorRunner(
                "GridSample",
                version: 20,
                ["align_corners": .int(1), "padding_mode": .string(Array(padding.utf8))]
            ).floats(square, grid)
        }
        expectClose(try sample("zeros"), [1, 2.5, 4, 0])
        expectClose(try sample("border"), [1, 2.5, 4, 4])
        expectClose(try sample("reflection"), [1, 2.5, 4, 1])
        let nearest = OperatorRunner(
            "GridSample",
            version: 16,
            ["mode": .string(Array("nearest".utf8)), "align_corners": .int(1)]
        )
        #expect(try nearest.floats(square, grid) == [1, 1, 4, 0])
    }

    @Test func `GridSample survives coordinates that are none`() throws {
        let grid = f([.nan, 0, .infinity, 0, 1e30, -1e30], [1, 1, 3, 2])
        for mode in ["linear", "nearest", "cubic"] {
            for padding in ["zeros", "border", "reflection"] {
                let sample = OperatorRunner(
                    "GridSample",
                    version: 20,
                    [
                        "mode": .string(Array(mode.utf8)),
                        "padding_mode": .string(Array(padding.utf8)),
                    ]
                )
                #expect(try sample.floats(square, grid).count == 3)
            }
        }
        #expect(
            OperatorRunner("GridSample", version: 20).refusal(square, f([0, 0, 0], [1, 1, 1, 3]))
                .contains("does not fit")
        )
    }

    // MARK: AffineGrid

    @Test func `AffineGrid of the identity names each element's own place`() throws {
        let identity = f([1, 0, 0, 0, 1, 0], [1, 2, 3])
        let aligned = OperatorRunner("AffineGrid", version: 20, ["align_corners": .int(1)])
        #expect(
            try aligned.floats(identity, wi([1, 1, 2, 2])) == [-1, -1, 1, -1, -1, 1, 1, 1]
        )
        let inner = OperatorRunner("AffineGrid", version: 20)
        #expect(
            try inner.floats(identity, wi([1, 1, 2, 2]))
                == [-0.5, -0.5, 0.5, -0.5, -0.5, 0.5, 0.5, 0.5]
        )
        #expect(inner.refusal(identity, wi([1, 1, 2])).contains("expected 4 or 5"))
        #expect(inner.refusal(identity, wi([1, 1, 2, 2, 2])).contains("expected [1, 3, 4]"))
    }

    // MARK: RoiAlign

    @Test func `RoiAlign pools a region by means or maxima`() throws {
        let image = f((0..<16).map { Float($0) }, [1, 1, 4, 4])
        let region = f([0, 0, 4, 4], [1, 4])
        let attributes: [String: Attribute] = [
            "output_height": .int(2), "output_width": .int(2), "sampling_ratio": .int(1),
        ]
        let mean = OperatorRunner("RoiAlign", version: 16, attributes)
        expectClose(try mean.floats(image, region, i([0])), [2.5, 4.5, 10.5, 12.5])
        let top = OperatorRunner(
            "RoiAlign",
            version: 10,
            attributes.merging(["mode": .string(Array("max".utf8))]) { $1 }
        )
        #expect(try top.shape(image, region, i([0])) == [1, 1, 2, 2])
        #expect(mean.refusal(image, region, i([1])).contains("index 1"))
        #expect(
            mean.refusal(image, f([0, 0, .infinity, 1], [1, 4]), i([0])).contains("far outside")
        )
        #expect(mean.refusal(image, region, i([0, 0])).contains("for 1 regions"))
    }

    // MARK: NonMaxSuppression

    @Test func `NonMaxSuppression keeps the best of boxes that overlap`() throws {
        let boxes = f([0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11], [1, 3, 4])
        let scores = f([0.9, 0.75, 0.6], [1, 1, 3])
        let suppression = OperatorRunner("NonMaxSuppression", version: 11)
        #expect(
            try suppression.integers(boxes, scores, wi([3]), wf([0.5]), wf([0]))
                == [0, 0, 0, 0, 0, 2]
        )
        #expect(
            try suppression.integers(boxes, scores, wi([3]), wf([0.5]), wf([0.7])) == [0, 0, 0]
        )
        #expect(try suppression.shape(boxes, scores) == [0, 3])
        #expect(suppression.refusal(boxes, f([1], [1, 1, 1])).contains("expected [1, 1, 4]"))
    }
}
