package import TernGraph
package import TernTensor

/// A compiled model as it is kept in a file: the graph that runs, its weights, and the weights in the
/// layouts of some kernels.
///
/// Whether the operators exist, the shapes fit and the panels suit the machine is for the runtime to
/// say: a decoded artefact is well-formed, and nothing more.
package struct Artefact: Sendable {
    /// A weight in a layout of some kernels.
    package struct Panels: Sendable {
        /// The memory of the weight; that of one of the graph's tensors.
        package var weight: AlignedBuffer
        /// How it was packed.
        package var variant: String
        /// The layout.
        package var kind: String
        /// The packed bytes.
        package var memory: [AlignedBuffer]

        /// Describes a packed weight.
        package init(
            weight: AlignedBuffer,
            variant: String,
            kind: String,
            memory: [AlignedBuffer]
        ) {
            self.weight = weight
            self.variant = variant
            self.kind = kind
            self.memory = memory
        }
    }

    /// Inputs with the outputs they must give.
    package struct GoldenSet: Sendable {
        /// What the set is called, such as `test_data_set_0`.
        package var name: String
        /// One tensor for each input.
        package var inputs: [Tensor]
        /// One tensor for each output.
        package var outputs: [Tensor]

        /// Names a set.
        package init(name: String, inputs: [Tensor], outputs: [Tensor]) {
            self.name = name
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    /// Who wrote the file, such as `tern 0.1.0`.
    package var producer: String
    /// The file it was compiled from, as a name for people.
    package var source: String
    /// The precision of what products are computed from, such as `f32`.
    package var precision: String
    /// The graph; it holds together as ``Graph/validate()`` says, and captures nothing.
    package var graph: Graph
    /// How many numbers the model learnt.
    package var parameterCount: Int
    /// For which kernels the panels are packed.
    package var packing: String
    /// The packed weights.
    package var panels: [Panels]
    /// Combinations of input shapes that are expected.
    package var shapes: [[Shape]]
    /// Inputs and outputs to verify the model by.
    package var goldenSets: [GoldenSet]

    /// Puts an artefact together.
    package init(
        producer: String,
        source: String,
        precision: String,
        graph: Graph,
        parameterCount: Int,
        packing: String,
        panels: [Panels],
        shapes: [[Shape]],
        goldenSets: [GoldenSet]
    ) {
        self.producer = producer
        self.source = source
        self.precision = precision
        self.graph = graph
        self.parameterCount = parameterCount
        self.packing = packing
        self.panels = panels
        self.shapes = shapes
        self.goldenSets = goldenSets
    }
}
