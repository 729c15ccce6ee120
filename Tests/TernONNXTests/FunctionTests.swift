import SwiftProtobuf
import TernGraph
import TernTensor
import Testing

@testable import TernONNX

struct FunctionTests {
    private func node(
        _ name: String,
        _ inputs: [String],
        _ outputs: [String],
        domain: String = "",
        _ attributes: [ONNXAttributeProto] = []
    ) -> ONNXNodeProto {
        .with {
            $0.opType = name
            $0.domain = domain
            $0.input = inputs
            $0.output = outputs
            $0.attribute = attributes
        }
    }

    private func function(
        _ name: String,
        inputs: [String] = ["a"],
        outputs: [String] = ["b"],
        _ nodes: [ONNXNodeProto]
    ) -> ONNXFunctionProto {
        .with {
            $0.name = name
            $0.domain = "local"
            $0.input = inputs
            $0.output = outputs
            $0.node = nodes
            $0.opsetImport = [
                .with { $0.version = 13 },
                .with {
                    $0.domain = "local"
                    $0.version = 1
                },
            ]
        }
    }

    private func model(
        _ functions: [ONNXFunctionProto],
        calling nodes: [ONNXNodeProto]
    ) throws -> ONNXModel {
        var model = try ONNXModelProto(serializedBytes: Fixtures.bytes("identity.onnx"))
        model.functions = functions
        model.graph.node = nodes
        let bytes: [UInt8] = try model.serializedBytes()
        return try ONNXModel(bytes)
    }

    private func problem(
        _ functions: [ONNXFunctionProto],
        calling nodes: [ONNXNodeProto]
    ) -> String {
        do {
            _ = try model(functions, calling: nodes)
            return "it was read"
        } catch {
            return "\(error)"
        }
    }

    private func call(_ name: String, _ from: String = "x", _ to: String = "y") -> ONNXNodeProto {
        node(name, [from], [to], domain: "local")
    }

    @Test func `calls become the nodes of their functions, each with names of its own`() throws {
        let twice = function(
            "twice",
            [node("Neg", ["a"], ["t"]), node("Abs", ["t"], ["b"])]
        )
        let graph = try model([twice], calling: [call("twice", "x", "m"), call("twice", "m", "y")])
            .graph
        #expect(graph.nodes.map(\.operatorName) == ["Neg", "Abs", "Neg", "Abs"])
        #expect(graph.nodes.allSatisfy { $0.operatorSetVersion == 13 })
        #expect(graph.nodes[1].inputs == graph.nodes[0].outputs)
        #expect(graph.nodes[2].inputs == graph.nodes[1].outputs)
        #expect(graph.outputs.map(\.value) == graph.nodes[3].outputs.compactMap { $0 })
    }

    @Test func `attributes come from the call, or have the function's defaults, or none`() throws {
        let reference = { (name: String, of: String) in
            ONNXAttributeProto.with {
                $0.name = name
                $0.refAttrName = of
                $0.type = .float
            }
        }
        var leaky = function(
            "leaky",
            [
                node("LeakyRelu", ["a"], ["t"], [reference("alpha", "slope")]),
                node("Elu", ["t"], ["u"], [reference("alpha", "height")]),
                node("Celu", ["u"], ["b"], [reference("alpha", "missing")]),
            ]
        )
        leaky.attribute = ["slope", "missing"]
        leaky.attributeProto = [
            .with {
                $0.name = "height"
                $0.f = 3
                $0.type = .float
            }
        ]
        var caller = call("leaky")
        caller.attribute = [
            .with {
                $0.name = "slope"
                $0.f = 0.5
                $0.type = .float
            }
        ]
        let nodes = try model([leaky], calling: [caller]).graph.nodes
        #expect(try nodes[0].float("alpha", default: 0) == 0.5)
        #expect(try nodes[1].float("alpha", default: 0) == 3)
        #expect(nodes[2].attributes.isEmpty)
    }

    @Test func `functions call functions, inside branches too, and read their inputs there`() throws
    {
        let inner = function("inner", [node("Neg", ["a"], ["b"])])
        let branch = ONNXGraphProto.with {
            $0.node = [call("inner", "a", "r")]
            $0.output = [.with { $0.name = "r" }]
        }
        let choice = node(
            "If",
            ["c"],
            ["b"],
            ["then_branch", "else_branch"].map { name in
                .with {
                    $0.name = name
                    $0.g = branch
                    $0.type = .graph
                }
            }
        )
        let outer = function("outer", [node("IsNaN", ["a"], ["c"]), choice])
        let graph = try model([inner, outer], calling: [call("outer")]).graph
        let taken = try graph.nodes[1].graph("then_branch")
        #expect(taken.nodes.map(\.operatorName) == ["Neg"])
        #expect(taken.captures.map(\.outer) == [graph.inputs[0].value])
    }

    @Test func `inputs may be left out, and an output may be an input`() throws {
        let clip = function(
            "clip",
            inputs: ["a", "low"],
            outputs: ["b", "a"],
            [node("Clip", ["a", "low"], ["b"])]
        )
        let caller = node("clip", ["x"], ["m", "y"], domain: "local")
        let graph = try model([clip], calling: [caller]).graph
        #expect(graph.nodes.map(\.operatorName) == ["Clip", "Identity"])
        #expect(graph.nodes[0].inputs[1] == nil)
        #expect(graph.nodes[1].inputs == [graph.inputs[0].value])
    }

    @Test func `recursion is refused, direct or through others`() {
        let own = function("own", [call("own", "a", "b")])
        #expect(problem([own], calling: [call("own")]).contains("calls the function it stands in"))
        let ping = function("ping", [call("pong", "a", "b")])
        let pong = function("pong", [call("ping", "a", "b")])
        #expect(
            problem([ping, pong], calling: [call("ping")])
                .contains("calls the function it stands in")
        )
        let branch = ONNXGraphProto.with {
            $0.node = [call("hidden", "a", "r")]
            $0.output = [.with { $0.name = "r" }]
        }
        let hidden = function(
            "hidden",
            [
                node("IsNaN", ["a"], ["c"]),
                node(
                    "If",
                    ["c"],
                    ["b"],
                    [
                        .with {
                            $0.name = "then_branch"
                            $0.g = branch
                            $0.type = .graph
                        }
                    ]
                ),
            ]
        )
        #expect(
            problem([hidden], calling: [call("hidden")])
                .contains("calls the function it stands in")
        )
    }

    @Test func `functions that double with every level are refused`() {
        let functions = (0..<40).map { level in
            function(
                "f\(level)",
                level == 39
                    ? [node("Neg", ["a"], ["b"])]
                    : [call("f\(level + 1)", "a", "t"), call("f\(level + 1)", "t", "b")]
            )
        }
        let problem = problem(functions, calling: [call("f0")])
        #expect(problem.contains("become more than"))
        #expect(problem.utf8.count < 1000)
    }

    @Test func `functions that call each other too deep are refused`() {
        let functions = (0..<100).map { level in
            function(
                "f\(level)",
                [level == 99 ? node("Neg", ["a"], ["b"]) : call("f\(level + 1)", "a", "b")]
            )
        }
        #expect(problem(functions, calling: [call("f0")]).contains("more than 64 deep"))
    }

    @Test func `a call that does not fit, and a function that is incomplete, are refused`() {
        let plain = function("plain", [node("Neg", ["a"], ["b"])])
        let wide = node("plain", ["x", "x"], ["y"], domain: "local")
        #expect(problem([plain], calling: [wide]).contains("takes 1 inputs and gives 1 outputs"))
        let open = function("open", [node("Neg", ["nowhere"], ["b"])])
        #expect(problem([open], calling: [call("open")]).contains("which nothing defines"))
        let silent = function("silent", [])
        #expect(problem([silent], calling: [call("silent")]).contains("not defined by anything"))
        let circle = function(
            "circle",
            [node("Add", ["a", "t"], ["b"]), node("Neg", ["b"], ["t"])]
        )
        #expect(problem([circle], calling: [call("circle")]).contains("depends on its own output"))
        #expect(problem([plain, plain], calling: [call("plain")]).contains("is there twice"))
    }
}
