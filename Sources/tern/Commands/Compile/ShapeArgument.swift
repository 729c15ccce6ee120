import TernTensor

/// A combination of input shapes as the command line writes it: `ids=1x128,mask=1x128`.
struct ShapeArgument {
    /// The shape of each of a model's inputs.
    let shapes: [Shape]

    /// Reads a combination of shapes.
    ///
    /// - Parameters:
    ///   - text: `NAME=SIZExSIZE…` for each input whose size the model leaves open, with commas.
    ///   - inputs: The model's inputs.
    /// - Throws: ``Failure`` that names the input it cannot read.
    init(_ text: String, of inputs: [TensorDescriptor]) throws {
        var given: [String: Shape] = [:]
        for part in text.split(separator: ",") {
            guard let equals = part.lastIndex(of: "=") else {
                throw Failure(.usage, "--shapes: '\(part)' is not NAME=SIZExSIZE")
            }
            let name = String(part[..<equals])
            guard let input = inputs.first(where: { $0.name == name }) else {
                let names = inputs.map(\.name).joined(separator: ", ")
                throw Failure(.usage, "--shapes: there is no input '\(name)'; there are \(names)")
            }
            let sizes = part[part.index(after: equals)...].split(separator: "x").map { Int($0) }
            guard let shape = Shape(validating: sizes.map { $0 ?? -1 }), Self.fits(shape, input)
            else {
                throw Failure(.usage, "--shapes: '\(part)' does not fit \(input)")
            }
            given[name] = shape
        }
        shapes = try inputs.map { input in
            if let shape = given[input.name] { return shape }
            let sizes = input.dimensions?.map { $0.fixedSize ?? -1 } ?? [-1]
            guard let shape = Shape(validating: sizes) else {
                throw Failure(.usage, "--shapes: the shape of \(input) is missing")
            }
            return shape
        }
    }

    private static func fits(_ shape: Shape, _ input: TensorDescriptor) -> Bool {
        guard let dimensions = input.dimensions else { return true }
        return dimensions.count == shape.rank
            && zip(dimensions, shape).allSatisfy { $0.fixedSize == nil || $0.fixedSize == $1 }
    }
}
