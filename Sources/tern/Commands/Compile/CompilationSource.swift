import ArgumentParser
import Foundation
import TernArtefact
import TernRuntime
import TernTensor

/// The model that an artefact is made of, read and compiled.
struct CompilationSource {
    private let path: String
    private let local: LocalModel

    /// The model.
    var model: CompiledModel { local.model }

    /// Reads and compiles a model.
    ///
    /// - Parameter argument: A model file, or a folder that holds a `model.onnx`.
    /// - Throws: ``Failure`` if it cannot be used, or is an artefact already.
    init(_ argument: String) throws {
        var isFolder: ObjCBool = false
        _ = unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder)
        // An artefact that lies beside the source may be the one to be made anew.
        let path = isFolder.boolValue ? "\(argument)/model.onnx" : argument
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(.noInput, "\(path): there is no such file")
        }
        guard !Artefact.isArtefact(path) else {
            throw Failure(.data, "\(path): is an artefact already; give the model it was made of")
        }
        self.path = path
        local = LocalModel(path, try ModelLoading.load(path))
    }

    /// The length of the model's file, for people.
    var sizeText: String {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? Int).map(Compile.megabytes) ?? "of unknown size"
    }

    /// Runs the model once.
    func run(_ inputs: [Tensor]) throws -> [Tensor] { try local.run(inputs) }

    /// Makes the artefact.
    ///
    /// - Parameters:
    ///   - shapes: The combinations of input shapes to be ready for, as the command line gives them.
    ///   - goldenSets: What is compiled in to verify the model by.
    /// - Returns: The artefact, with the weights packed for these shapes and those of the golden inputs.
    /// - Throws: ``Failure`` if the model does not take the shapes.
    func artefact(shapes: [String], goldenSets: [Artefact.GoldenSet]) throws -> Artefact {
        let combinations = try shapes.map { try ShapeArgument($0, of: model.inputs).shapes }
        do throws(RuntimeError) {
            for set in goldenSets { try model.prepare(inputShapes: set.inputs.map(\.shape)) }
            for combination in combinations { try model.prepare(inputShapes: combination) }
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
        let parts = model.parts(shapes: combinations)
        return Artefact(
            producer: "tern \(Tern.configuration.version)",
            source: URL(fileURLWithPath: path).lastPathComponent,
            precision: "f32",
            graph: parts.graph,
            parameterCount: parts.parameterCount,
            packing: parts.packing,
            panels: parts.panels.map {
                Artefact.Panels(
                    weight: $0.weight,
                    variant: $0.variant,
                    kind: $0.kind,
                    memory: $0.memory
                )
            },
            shapes: parts.shapes,
            goldenSets: goldenSets
        )
    }
}
