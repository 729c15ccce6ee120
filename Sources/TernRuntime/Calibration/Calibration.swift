package import TernGraph
package import TernKernels
package import TernTensor

/// Between which numbers a value lay while a model was calibrated; 0 is always among them.
package struct ValueRange: Equatable, Sendable {
    /// The least, at most 0.
    package private(set) var lower: Float = 0
    /// The greatest, at least 0.
    package private(set) var upper: Float = 0

    /// Only 0.
    package init() {}

    /// Takes numbers in; what is not finite is left out.
    package mutating func include(_ numbers: [Float]) {
        for number in numbers where number.isFinite {
            lower = Swift.min(lower, number)
            upper = Swift.max(upper, number)
        }
    }

    /// What one step of an unsigned byte is worth.
    var scale: Float {
        let width = (upper - lower) / 255
        return width.isNormal ? width : 1
    }

    /// The byte that stands for 0.
    var zeroPoint: UInt8 { UInt8(clamping: Int((-lower / scale).rounded(.toNearestOrEven))) }
}

extension CompiledModel {
    /// Why a model cannot be calibrated.
    package enum CalibrationError: Error, CustomStringConvertible {
        /// The graph cannot be compiled.
        case graph(GraphError)
        /// It does not take the inputs of a set, counted from 0.
        case run(set: Int, RuntimeError)

        package var description: String {
            switch self {
            case .graph(let error): error.description
            case .run(let set, let error): "calibration set \(set): \(error)"
            }
        }
    }

    /// Compiles a graph so that convolutions and products with weights compute with bytes.
    ///
    /// The weights become signed bytes with a scale for each output channel, what goes in and comes out
    /// unsigned bytes whose range is what was seen when the model ran on the calibration sets. The
    /// answers change; whoever asks for it measures by how much.
    ///
    /// - Parameters:
    ///   - graph: The graph as an importer made it.
    ///   - sets: The inputs of some calls, one tensor for each input of the model.
    ///   - context: Which kernels run the model, and the threads that may help.
    ///   - options: Limits, and the operators.
    /// - Returns: The model, and how many convolutions and products compute with bytes.
    /// - Throws: ``CalibrationError``.
    package static func quantized(
        _ graph: Graph,
        calibrating sets: [[Tensor]],
        context: KernelContext,
        options: Options = Options()
    ) throws(CalibrationError) -> (CompiledModel, productCount: Int) {
        // As few operators as there are, but each still its own.
        var plainOptions = options
        plainOptions.disabledFusions = Set(fusionPasses.map(\.name)).subtracting([
            PaddingFusion().name, BatchNormalizationFolding().name,
        ])
        let plain: CompiledModel
        do throws(GraphError) {
            plain = try CompiledModel(graph, context: context, options: plainOptions)
        } catch {
            throw .graph(error)
        }
        let insertion = QuantizationInsertion(plain.graph)
        let ranges = try plain.ranges(of: insertion.observed, sets, options: plainOptions)
        let model: CompiledModel
        do throws(GraphError) {
            var quantized = plain.graph
            insertion.insert(ranges, into: &quantized)
            model = try CompiledModel(quantized, context: context, options: options)
        } catch {
            throw .graph(error)
        }
        let made: Set = ["QLinearConv", "QLinearMatMul", "QGemm"]
        return (model, model.graph.nodes.count { made.contains($0.operatorName) })
    }

    /// Runs the model on some inputs and tells between which numbers values lie.
    private func ranges(
        of values: [ValueID],
        _ sets: [[Tensor]],
        options: Options
    ) throws(CalibrationError) -> [ValueID: ValueRange] {
        var graph = graph
        graph.outputs = values.map { Port(name: graph[$0].name, value: $0) }
        var ranges: [ValueID: ValueRange] = [:]
        guard !values.isEmpty else { return ranges }
        let model: CompiledModel
        do throws(GraphError) {
            model = try CompiledModel(graph, context: context, options: options)
        } catch {
            throw .graph(error)
        }
        let session = Session(model)
        for (index, set) in sets.enumerated() {
            do throws(RuntimeError) {
                for (position, tensor) in set.enumerated() {
                    try session.bindInput(position, tensor)
                }
                try session.run()
                for (position, value) in values.enumerated() {
                    let numbers = session.output(position).elements(as: Float.self)
                    ranges[value, default: ValueRange()].include(numbers)
                }
            } catch {
                throw .run(set: index, error)
            }
        }
        return ranges
    }
}
