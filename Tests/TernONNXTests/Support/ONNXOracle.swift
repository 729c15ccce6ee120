import TernGraph
import TernONNX
import TernTensor

/// What must hold of the ONNX reader whatever it is given: it answers with a graph that holds
/// together or with an error that says something, and a tensor has as many bytes as its shape says.
///
/// The fuzzer calls it with what it makes up, the ordinary tests with what the fuzzer once found.
enum ONNXOracle {
    /// Reads the bytes as a model and as a tensor.
    ///
    /// - Parameters:
    ///   - bytes: The bytes of a file.
    ///   - folder: Where external data is looked for.
    static func check(_ bytes: [UInt8], folder: String?) {
        do throws(ONNXError) {
            check(try ONNXModel(bytes, folder: folder).graph)
        } catch {
            check(error)
        }
        do throws(ONNXError) {
            check(try TensorFile.decode(bytes).tensor)
        } catch {
            check(error)
        }
    }

    private static func check(_ error: ONNXError) {
        let description = error.description
        precondition(!description.isEmpty, "an error says nothing")
        // A hundred sentences, each with some names that are cut short.
        precondition(description.utf8.count < 1 << 20, "an error does not end")
    }

    private static func check(_ graph: Graph) {
        do throws(GraphError) {
            try graph.validate()
        } catch {
            preconditionFailure("an imported graph is invalid: \(error)")
        }
        for tensor in graph.initializers.values { check(tensor) }
        for node in graph.nodes {
            for attribute in node.attributes.values {
                switch attribute {
                case .tensor(let tensor): check(tensor)
                case .tensors(let tensors): for tensor in tensors { check(tensor) }
                case .graph(let subgraph):
                    for tensor in subgraph.initializers.values { check(tensor) }
                default: break
                }
            }
        }
    }

    private static func check(_ tensor: Tensor) {
        if tensor.elementType == .bytes {
            precondition(
                tensor.byteStrings?.count == tensor.shape.elementCount,
                "a tensor of strings has another number of them than its shape says"
            )
        } else {
            precondition(
                tensor.storage.byteCount == tensor.shape.byteCount(of: tensor.elementType),
                "a tensor has another number of bytes than its shape says"
            )
        }
    }
}
