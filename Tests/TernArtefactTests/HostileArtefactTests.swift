import TernGraph
import TernKernels
import TernRuntime
import TernTensor
import Testing

@testable import TernArtefact

@Suite struct HostileArtefactTests {
    private static let cnn = Result { try Samples.artefact(of: "small_cnn").encoded().bytes }

    @Test func `a file cut short anywhere says how long it should be`() throws {
        let whole = try Self.cnn.get()
        for count in [0, 1, 7, 8, 15, 63, 64, 65, 200, whole.count / 2, whole.count - 1] {
            let error = #expect(throws: ArtefactError.self) { try Artefact(Array(whole[..<count])) }
            switch error {
            case .notAnArtefact(let found): #expect(count < 8 && found.count == count)
            case .truncated(_, let expected, let found):
                #expect(found == count)
                #expect(expected == (count < 64 ? 64 : whole.count))
            default: Issue.record("\(count) bytes: \(String(describing: error))")
            }
        }
    }

    @Test func `every changed bit is noticed`() throws {
        let whole = try Self.cnn.get()
        var random = FixedRandom(state: 1)
        let places =
            Array(0..<64) + (0..<400).map { _ in Int.random(in: whole.indices, using: &random) }
        for place in places {
            var changed = whole
            changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: ArtefactError.self, "byte \(place)") { try Artefact(changed) }
        }
        #expect(throws: ArtefactError.self) { try Artefact(whole + [0]) }
    }

    @Test func `what is wrong is told with what was expected`() throws {
        let whole = try Self.cnn.get()
        var other = whole
        other[0] = 0x50
        #expect(throws: ArtefactError.notAnArtefact(found: Array(other[..<8]))) {
            try Artefact(other)
        }
        var newer = whole
        newer[8] = 9
        #expect(throws: ArtefactError.unsupportedVersion(found: 9, newest: 1)) {
            try Artefact(newer)
        }
        var damaged = whole
        damaged[damaged.count - 1] ^= 1
        let error = #expect(throws: ArtefactError.self) { try Artefact(damaged) }
        #expect(error?.description.contains("expected the checksum") == true)
    }

    /// Offsets and lengths of blobs, as numbers beyond all bounds.
    @Test(arguments: [0, 8], [0, 1, 63, 64, 1 << 32, UInt64(Int.max), .max, .max - 62])
    func `a blob that lies elsewhere than it must is refused`(_ field: Int, _ value: UInt64) throws
    {
        var bytes = try Self.cnn.get()
        for entry in [0, 1] {
            let place = ArtefactFormat.headerByteCount + 4 + 24 * entry + field
            for index in 0..<8 {
                bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
            }
            ArtefactOracle.repair(&bytes)
            #expect(throws: ArtefactError.self) { try Artefact(bytes) }
        }
    }

    @Test func `a graph that does not hold together is refused`() throws {
        var captured = try Samples.artefact(of: "identity")
        let id = captured.graph.addValue(Value(name: "captured"))
        captured.graph.captures = [Capture(outer: ValueID(0), inner: id)]
        #expect(throws: ArtefactError.self) { try Artefact(captured.encoded().bytes) }
        var undefined = try Samples.artefact(of: "small_cnn")
        undefined.graph.nodes.removeAll()
        #expect(throws: ArtefactError.self) { try Artefact(undefined.encoded().bytes) }
        var nested = try Samples.artefact(of: "small_cnn")
        var inner = Graph()
        for _ in 0..<ArtefactFormat.subgraphDepthLimit + 1 {
            var outer = Graph()
            outer.nodes = [
                Node(
                    operatorName: "If",
                    operatorSetVersion: 11,
                    attributes: ["then_branch": .graph(inner)],
                    inputs: [],
                    outputs: []
                )
            ]
            inner = outer
        }
        nested.graph.nodes[0].attributes["deep"] = .graph(inner)
        let error = #expect(throws: ArtefactError.self) { try Artefact(nested.encoded().bytes) }
        #expect(error?.description.contains("nested") == true)
    }

    @Test func `tensors must be what their shapes say`() throws {
        for tensor in [
            Tensor(elementType: .bool, shape: [2], copyingBytes: [0, 2]),
            Tensor(elementType: .bytes, shape: [2], copyingBytes: [9, 0, 0, 0, 1]),
        ] {
            var artefact = try Samples.artefact(of: "identity")
            artefact.goldenSets[0].inputs = [tensor]
            #expect(throws: ArtefactError.self) { try Artefact(artefact.encoded().bytes) }
        }
    }

    /// With the checksums made right, so that the mutations reach the decoder, and what comes of them
    /// reaches the runtime.
    @Test(arguments: ["small_cnn", "subgraphs", "every_type", "matmul_chain", "shape_arithmetic"])
    func `no mutation crashes the reader, or what runs what it reads`(_ name: String) throws {
        let artefact = try Samples.artefact(of: name)
        let whole = artefact.encoded().bytes
        let head = artefact.encoded().head.count
        var random = FixedRandom(state: 0x7E59)
        var accepted = 0
        for _ in 0..<1_500 {
            var mutated = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 16..<head, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: mutated[place] = UInt8.random(in: 0...255, using: &random)
                case 1: mutated[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                default:
                    mutated[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
                }
            }
            ArtefactOracle.repair(&mutated)
            do throws(ArtefactError) {
                let read = try Artefact(mutated)
                accepted += 1
                Self.load(read)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        #expect(accepted > 0)
    }

    /// Makes a model ready and runs it on its golden inputs, if it takes them.
    private static func load(_ artefact: Artefact) {
        let parts = CompiledParts(
            graph: artefact.graph,
            parameterCount: artefact.parameterCount,
            packing: artefact.packing,
            panels: artefact.panels.map {
                PreparedPanels(
                    weight: $0.weight,
                    variant: $0.variant,
                    kind: $0.kind,
                    memory: $0.memory
                )
            },
            shapes: artefact.shapes
        )
        let options = CompiledModel.Options(
            memoryByteCountLimit: 1 << 24,
            iterationCountLimit: 64
        )
        guard let model = try? CompiledModel(parts, context: KernelContext(), options: options)
        else { return }
        let session = Session(model)
        guard let set = artefact.goldenSets.first, set.inputs.count == model.inputs.count else {
            return
        }
        for (index, input) in set.inputs.enumerated() { try? session.bindInput(index, input) }
        try? session.run()
    }
}
