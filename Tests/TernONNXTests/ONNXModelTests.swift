import Foundation
import SwiftProtobuf
import TernGraph
import TernTensor
import Testing

@testable import TernONNX

@Suite struct ONNXModelTests {
    @Test func `a model has its inputs, outputs, nodes and versions`() throws {
        let model = try Fixtures.model("identity")
        #expect(model.irVersion == 8 && model.producerName == "tern")
        #expect(model.graph.operatorSetVersions == ["": 17])
        #expect(model.graph.inputDescriptors.map(\.description) == ["x: FP32[batch, width]"])
        #expect(model.graph.outputDescriptors.map(\.description) == ["y: FP32[batch, width]"])
        let node = try #require(model.graph.nodes.first)
        #expect(node.name == "copy" && node.operatorName == "Identity" && node.domain.isEmpty)
        #expect(node.operatorSetVersion == 17 && node.operatorVersion == 0)
    }

    @Test func `weights are initializers, and attributes have their kinds`() throws {
        let graph = try Fixtures.model("small_cnn").graph
        #expect(graph.inputs.map(\.name) == ["x"])
        #expect(graph.initializers.count == 4 && graph.parameterCount == 72 + 4 + 12 + 3)
        let convolution = graph.nodes[0]
        #expect(try convolution.ints("pads") == [1, 1, 1, 1])
        #expect(try graph.nodes[4].int("transB", default: 0) == 1)
        #expect(convolution.inputs.map { $0.map { graph[$0].name } } == ["x", "w", "b"])
    }

    @Test func `every type is read from raw and from typed fields`() throws {
        let graph = try Fixtures.model("every_type").graph
        var found = 0
        for port in graph.outputs {
            let tensor = try #require(graph.initializers[port.value])
            #expect(graph[port.value].elementType == tensor.elementType)
            switch port.name {
            case "bytes_typed":
                #expect(tensor.byteStrings == ["", "zwei", "日本"].map { Array($0.utf8) })
            case "scalar":
                #expect(tensor.shape == [] && tensor.elements(as: Float.self) == [42])
            case "empty": #expect(tensor.shape == [0, 4] && tensor.storage.byteCount == 0)
            default:
                #expect(tensor.byteArray == expectedElements[tensor.elementType], "\(port.name)")
                #expect(tensor.shape == (port.name.hasSuffix("raw") ? [3] : [3, 1]))
                #expect(port.name.hasPrefix(tensor.elementType.name.lowercased()))
                found += 1
            }
        }
        #expect(found == 26)
    }

    @Test func `initializers that are listed as inputs are no inputs`() throws {
        let graph = try Fixtures.model("initializers_as_inputs").graph
        #expect(graph.inputs.map(\.name) == ["x"])
        #expect(graph.initializers.count == 1)
    }

    @Test func `left-out inputs are holes, constants are initializers, names may be missing`()
        throws
    {
        let graph = try Fixtures.model("odd_nodes").graph
        #expect(graph.nodes.map(\.operatorName) == ["Clip", "Relu", "Relu"])
        #expect(graph.nodes.map(\.name) == ["", "same", "same"])
        let clip = graph.nodes[0]
        #expect(clip.inputs.count == 3 && clip.inputs[1] == nil)
        let six = try #require(clip.inputs[2].flatMap { graph.initializers[$0] })
        #expect(six.shape == [] && six.elements(as: Float.self) == [6])
        // "?" and nothing are both any size, and no rank is no rank.
        #expect(graph[graph.inputs[0].value].dimensions == [.unknown, .unknown])
        #expect(graph[graph.outputs[0].value].dimensions == nil)
    }

    @Test func `subgraphs say what they read from the graphs around them`() throws {
        let graph = try Fixtures.model("subgraphs").graph
        let choice = try #require(graph.nodes.last)
        let nested = try choice.graph("then_branch")
        let names = { (graph: Graph, captures: [Capture]) in
            captures.map { graph[$0.outer].name }.sorted()
        }
        #expect(names(graph, nested.captures) == ["doubled", "one", "second", "x"])
        let inner = try #require(nested.nodes.first)
        #expect(try names(nested, inner.graph("then_branch").captures) == ["one", "x"])
        #expect(try names(nested, inner.graph("else_branch").captures) == ["doubled", "x"])
        #expect(try names(graph, choice.graph("else_branch").captures) == ["one", "x"])
        #expect(nested.captures.allSatisfy { graph[$0.outer].name == nested[$0.inner].name })
    }

    @Test func `ZipMap's output is the tensor it was given`() throws {
        let graph = try Fixtures.model("zipmap").graph
        #expect(graph.nodes.map(\.operatorName) == ["Softmax"])
        #expect(graph.outputs.map(\.name) == ["dictionaries"])
        #expect(graph.outputs.map(\.value) == graph.nodes[0].outputs.compactMap { $0 })
    }

    @Test func `nodes are put into an order in which they can run`() throws {
        let graph = try Fixtures.model("unsorted").graph
        #expect(graph.nodes.map(\.name) == ["first", "last"])
    }

    @Test func `a cycle is refused`() {
        #expect(
            throws: ONNXError.invalid([#"node "one" (Add) depends on its own output"#])
        ) { try Fixtures.model("cyclic") }
    }

    @Test func `every name that nothing defines is listed`() {
        #expect(
            throws: ONNXError.invalid([
                #"node "sum" (Add) reads "nowhere", which nothing defines (input 1)"#,
                #"node 1 (Neg) reads "gone", which nothing defines (input 0)"#,
                #"output "missing" is not defined by anything"#,
            ])
        ) { try Fixtures.model("undefined_names") }
    }

    @Test func `unsupported operators are no business of the importer`() throws {
        let graph = try Fixtures.model("unsupported").graph
        #expect(
            graph.nodes.map(\.qualifiedOperatorName) == [
                "Relu", "com.example:Frobnicate", "Waveguide",
            ]
        )
        #expect(graph.nodes.map(\.operatorSetVersion) == [17, 2, 17])
    }

    @Test func `data beside the model is read`() throws {
        let graph = try Fixtures.model("external").graph
        #expect(graph.initializers.values.map { $0.elements(as: Float.self) } == [[1, 2, 3]])
    }

    @Test(arguments: ["external_parent", "external_absolute"])
    func `data outside the model's folder is refused`(_ name: String) {
        let error = #expect(throws: ONNXError.self) { try Fixtures.model(name) }
        #expect(error?.description.contains("inside the model's folder") == true)
    }

    @Test func `data that is not there is named`() {
        let error = #expect(throws: ONNXError.self) { try Fixtures.model("external_missing") }
        #expect(error?.description.contains("nowhere.bin") == true)
    }

    @Test func `data beside a model without a folder is refused`() throws {
        let bytes = try Fixtures.bytes("external.onnx")
        #expect(
            throws: ONNXError.unsupported([
                "initializer \"w\": data in another file, as the model's folder is not known"
            ])
        ) { try ONNXModel(bytes) }
    }

    @Test func `a symbolic link that leads out of the model's folder is refused`() throws {
        let manager = FileManager.default
        let folder = manager.temporaryDirectory.appendingPathComponent("tern-\(UUID().uuidString)")
        defer { try? manager.removeItem(at: folder) }
        let inside = folder.appendingPathComponent("inside")
        try manager.createDirectory(at: inside, withIntermediateDirectories: true)
        let outside = folder.appendingPathComponent("outside.bin")
        try Data(count: 76).write(to: outside)
        let link = inside.appendingPathComponent("external.bin")
        try manager.createSymbolicLink(at: link, withDestinationURL: outside)
        let model = try Fixtures.bytes("external.onnx")
        let error = #expect(throws: ONNXError.self) { try ONNXModel(model, folder: inside.path) }
        #expect(error?.description.contains("leads out of the model's folder") == true)
        // A link that stays inside is fine.
        try manager.removeItem(at: link)
        try Data(count: 76).write(to: inside.appendingPathComponent("real.bin"))
        try manager.createSymbolicLink(atPath: link.path, withDestinationPath: "real.bin")
        #expect(try ONNXModel(model, folder: inside.path).graph.initializers.count == 1)
        // A file that is too short says so.
        try Data(count: 70).write(to: inside.appendingPathComponent("real.bin"))
        let short = #expect(throws: ONNXError.self) { try ONNXModel(model, folder: inside.path) }
        #expect(
            short?.description.contains("12 bytes are needed at offset 64, 6 are there") == true
        )
    }

    // MARK: - Messages made by hand

    /// What importing says, once `change` has been made to a model that copies x to y.
    private func outcome(_ change: (inout ONNXModelProto) -> Void) throws -> ONNXError? {
        var model = try ONNXModelProto(serializedBytes: Fixtures.bytes("identity.onnx"))
        change(&model)
        let bytes: [UInt8] = try model.serializedBytes()
        do throws(ONNXError) {
            _ = try ONNXModel(bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func `what is no model is refused`() throws {
        for bytes in [[], [0], Array("no model at all".utf8), try Fixtures.bytes("tensor_fp32.pb")]
        {
            #expect(throws: ONNXError.self) { try ONNXModel(bytes) }
        }
        #expect(try outcome { $0.clearGraph() } != nil)
        #expect(try outcome { $0.irVersion = 0 } != nil)
        #expect(
            try outcome { $0.irVersion = 15 }
                == .unsupported(["version 15 of the format; up to 14 is known"])
        )
    }

    @Test func `operator sets must be there, once, and with a version`() throws {
        #expect(
            try outcome {
                $0.opsetImport = [
                    .with {
                        $0.domain = "com.example"; $0.version = 1
                    }
                ]
            }
                == .invalid([
                    #"node "copy" (Identity) is of the domain "", of which the model imports no "#
                        + "operator set"
                ])
        )
        // The standard domain has a long name too.
        #expect(
            try outcome {
                $0.opsetImport = [
                    .with {
                        $0.domain = "ai.onnx"; $0.version = 9
                    }
                ]
            } == nil
        )
        #expect(try outcome { $0.opsetImport = [.with { $0.version = 0 }] } != nil)
        #expect(try outcome { $0.opsetImport = [.with { $0.version = .max }] } != nil)
        #expect(
            try outcome { $0.opsetImport.append(.with { $0.version = 5 }) }
                == .invalid(["the operator set ai.onnx is asked for in the versions 17 and 5"])
        )
    }

    @Test func `a name that is defined twice is refused`() throws {
        #expect(
            try outcome { $0.graph.node.append($0.graph.node[0]) }
                == .invalid([#"node "copy" (Identity) defines "y" again"#])
        )
        #expect(try outcome { $0.graph.node[0].output = ["x"] } != nil)
        #expect(
            try outcome { $0.graph.input.append($0.graph.input[0]) }
                == .invalid([#"input "x" defines "x" again"#])
        )
        #expect(
            try outcome { $0.graph.output.append($0.graph.output[0]) }
                == .invalid([#"output "y" is listed twice"#])
        )
    }

    @Test func `what is not a tensor is refused`() throws {
        #expect(
            try outcome { $0.graph.input[0].type.sequenceType = .init() }
                == .unsupported([#"input "x": a sequence; only tensors are supported"#])
        )
        #expect(
            try outcome { $0.graph.output[0].type.mapType = .init() }
                == .unsupported([#"output "y": a map; only tensors are supported"#])
        )
        #expect(try outcome { $0.graph.input[0].clearType() } != nil)
        #expect(try outcome { $0.graph.output[0].clearType() } == nil)
        #expect(
            try outcome { $0.graph.input[0].type.tensorType.elemType = 15 }
                == .unsupported([#"input "x": elements of type COMPLEX128"#])
        )
        #expect(
            try outcome { model in
                model.graph.sparseInitializer = [.with { $0.values.name = "s" }]
            } == .unsupported([#"the sparse initializer "s""#])
        )
    }

    @Test func `attributes must be what they say`() throws {
        func withAttribute(_ attribute: ONNXAttributeProto) throws -> ONNXError? {
            try outcome { $0.graph.node[0].attribute = [attribute] }
        }
        #expect(
            try withAttribute(
                .with {
                    $0.name = "a"; $0.type = .ints; $0.ints = [1]
                }
            ) == nil
        )
        // The first version of the format had no types.
        #expect(
            try withAttribute(
                .with {
                    $0.name = "a"; $0.i = 1
                }
            ) == nil
        )
        #expect(try withAttribute(.with { $0.name = "a" }) != nil)
        #expect(try withAttribute(.with { $0.i = 1 }) != nil)
        #expect(
            try withAttribute(
                .with {
                    $0.name = "a"; $0.type = .tensor
                }
            ) != nil
        )
        #expect(
            try withAttribute(
                .with {
                    $0.name = "a"; $0.type = .sparseTensor
                }
            ) != nil
        )
        #expect(
            try withAttribute(
                .with {
                    $0.name = "a"; $0.i = 1; $0.refAttrName = "b"
                }
            ) != nil
        )
        #expect(
            try outcome {
                let attribute = ONNXAttributeProto.with {
                    $0.name = "a"; $0.i = 1
                }
                $0.graph.node[0].attribute = [attribute, attribute]
            } == .invalid([#"attribute "a" of node "copy" (Identity) is given twice"#])
        )
    }

    @Test(arguments: [1, 63, 64, 65, 66, 200])
    func `subgraphs nest to a limit`(_ depth: Int) throws {
        let error = try outcome { model in
            var graph = ONNXGraphProto()
            for _ in 1..<depth {
                let inner = graph
                graph = ONNXGraphProto.with { outer in
                    outer.node = [
                        .with { node in
                            node.opType = "If"
                            node.attribute = [
                                .with {
                                    $0.name = "then_branch"; $0.g = inner
                                }
                            ]
                        }
                    ]
                }
            }
            model.graph.node[0].attribute = [
                .with {
                    $0.name = "body"; $0.g = graph
                }
            ]
        }
        #expect((error == nil) == (depth <= 64), "\(depth): \(String(describing: error))")
    }

    @Test func `a long chain in the wrong order does not use up the stack`() throws {
        let count = 50_000
        let error = try outcome { model in
            model.graph.node = (0..<count).reversed().map { index in
                .with { node in
                    node.opType = "Identity"
                    node.input = [index == 0 ? "x" : "v\(index - 1)"]
                    node.output = [index == count - 1 ? "y" : "v\(index)"]
                }
            }
        }
        #expect(error == nil)
    }

    @Test func `an error lists a hundred things and counts the rest`() throws {
        let error = try outcome { model in
            model.graph.initializer = (0..<250).map { index in
                .with {
                    $0.name = "w\(index)"; $0.dims = [3]; $0.dataType = 1
                }
            }
        }
        guard case .invalid(let sentences) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sentences.count == 101)
        #expect(sentences.last == "and 150 more")
    }

    @Test func `names with control characters do not reach the log as they are`() throws {
        let error = try outcome { $0.graph.node[0].input = ["a\u{1B}[31m\nb"] }
        let text = try #require(error?.description)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
    }
}
