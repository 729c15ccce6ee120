package import TernArtefact
internal import TernGraph
package import TernKernels
internal import TernONNX
package import TernRuntime

/// Why a model file cannot be used.
package struct ModelFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What stands in the way.
    package let description: String
}

/// Model files of either kind: ONNX models, and artefacts that were compiled from them.
package enum ModelFile {
    /// What the model file of a folder may be called; the first that is there is taken.
    package static let names = ["model.\(Artefact.fileExtension)", "model.onnx"]

    /// Reads a model file and makes it ready to run.
    ///
    /// - Parameters:
    ///   - path: The file; an artefact stays mapped as long as the model is there.
    ///   - context: Which kernels run the model, and the threads that may help.
    /// - Returns: The model.
    /// - Throws: ``ModelFileError`` that says everything that stands in the way.
    package static func load(
        _ path: String,
        context: KernelContext
    ) throws(ModelFileError) -> CompiledModel {
        guard Artefact.isArtefact(path) else { return try compile(path, context: context) }
        let artefact: Artefact
        do throws(ArtefactError) {
            artefact = try Artefact(contentsOf: path)
        } catch {
            throw ModelFileError(description: error.description)
        }
        return try load(artefact, context: context)
    }

    /// Makes an artefact ready to run.
    ///
    /// - Parameters:
    ///   - artefact: The artefact.
    ///   - context: Which kernels run the model, and the threads that may help.
    /// - Returns: The model.
    /// - Throws: ``ModelFileError`` if its graph cannot run here.
    package static func load(
        _ artefact: Artefact,
        context: KernelContext
    ) throws(ModelFileError) -> CompiledModel {
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
        do throws(GraphError) {
            return try CompiledModel(parts, context: context)
        } catch {
            throw ModelFileError(description: error.description)
        }
    }

    private static func compile(
        _ path: String,
        context: KernelContext
    ) throws(ModelFileError) -> CompiledModel {
        let model: ONNXModel
        do throws(ONNXError) {
            model = try ONNXModel(contentsOf: path)
        } catch {
            throw ModelFileError(description: error.description)
        }
        let compiled: CompiledModel
        do throws(GraphError) {
            compiled = try CompiledModel(model.graph, context: context)
        } catch {
            throw ModelFileError(description: error.description)
        }
        compiled.releasePackedWeights()
        return compiled
    }
}
