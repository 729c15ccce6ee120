import ArgumentParser
import Foundation
import TernArtefact
import TernGraph
import TernONNX
import TernRuntime
import TernTensor

/// The model that an artefact is made of, read and compiled.
struct CompilationSource {
    private let path: String
    /// As the file has it.
    private let graph: Graph
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
        // Not as it is loaded to be run: the weights are needed as they are.
        graph = try ModelLoading.read(path).graph
        local = LocalModel(path, try ModelLoading.compile(graph, from: path))
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
    ///   - precision: What convolutions and matrix products are computed from.
    ///   - calibration: Inputs that show between which numbers values lie; for bytes.
    ///   - shapes: The combinations of input shapes to be ready for, as the command line gives them.
    ///   - goldenSets: What is compiled in to verify the model by.
    /// - Returns: The artefact, with the weights packed for these shapes and those of the golden inputs.
    /// - Throws: ``Failure`` if the model does not take the shapes, or has nothing to be computed in the
    ///   precision.
    func artefact(
        in precision: Precision,
        calibrating calibration: [[Tensor]],
        shapes: [String],
        goldenSets: [Artefact.GoldenSet]
    ) throws -> Artefact {
        let combinations = try shapes.map { try ShapeArgument($0, of: local.model.inputs).shapes }
        let model = try model(in: precision, calibration)
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
            precision: precision.rawValue,
            graph: parts.graph,
            // Rounded weights are the same weights.
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

    private func model(
        in precision: Precision,
        _ calibration: [[Tensor]]
    ) throws -> CompiledModel {
        switch precision {
        case .f32: return model
        case .bf16:
            let (rounded, count): (CompiledModel, Int)
            do throws(GraphError) {
                (rounded, count) = try model.applying(BFloatWeights())
            } catch {
                throw Failure(.data, "\(path): \(error)")
            }
            guard count > 0 else {
                throw Failure(.data, "\(path): no matrix product has weights to be rounded")
            }
            return rounded
        case .int8:
            let (quantized, count): (CompiledModel, Int)
            do throws(CompiledModel.CalibrationError) {
                (quantized, count) = try CompiledModel.quantized(
                    graph,
                    calibrating: calibration,
                    context: model.context
                )
            } catch {
                throw Failure(.data, "\(path): \(error)")
            }
            guard count > 0 else {
                throw Failure(
                    .data,
                    "\(path): no convolution or matrix product can be computed with bytes"
                )
            }
            return quantized
        }
    }
}

/// What an artefact's matrix products are computed from.
enum Precision: String, ExpressibleByArgument, CaseIterable {
    /// 32-bit floats.
    case f32
    /// bfloat16.
    case bf16
    /// Bytes.
    case int8
}
