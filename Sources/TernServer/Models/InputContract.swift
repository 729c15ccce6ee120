package import TernTensor
internal import TernWire

/// What a model demands of its inputs, prepared so that a request can be held against it without
/// allocating.
package struct InputContract: Sendable {
    /// One axis, as the model declares it.
    package enum Axis: Equatable, Sendable {
        /// Exactly this size.
        case fixed(Int)
        /// The same size as that axis of that input, which comes first in the model's order; at its
        /// first place it refers to itself.
        case sameAs(input: Int, axis: Int)
        /// Any size.
        case any
    }

    /// As the model describes them.
    package let descriptors: [TensorDescriptor]
    /// The axes of each input; `nil` if the model leaves the rank open.
    package let axes: [[Axis]?]

    /// Prepares the descriptors.
    package init(_ descriptors: [TensorDescriptor]) {
        self.descriptors = descriptors
        var firstPlaces: [String: Axis] = [:]
        var axes: [[Axis]?] = []
        for (input, descriptor) in descriptors.enumerated() {
            guard let dimensions = descriptor.dimensions else {
                axes.append(nil)
                continue
            }
            axes.append(
                dimensions.enumerated().map { axis, dimension in
                    switch dimension {
                    case .fixed(let size): return .fixed(size)
                    case .unknown: return .any
                    case .symbolic(let symbol):
                        if let first = firstPlaces[symbol] { return first }
                        let here = Axis.sameAs(input: input, axis: axis)
                        firstPlaces[symbol] = here
                        return here
                    }
                }
            )
        }
        self.axes = axes
    }

    /// How many inputs there are.
    package var count: Int { descriptors.count }

    /// Finds the input whose name has these bytes.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - guess: Where to look first: callers mostly keep the model's order.
    /// - Returns: Its position among the model's inputs; `nil` if there is none of that name.
    package func index(named name: RawSpan, guess: Int) -> Int? {
        if guess < count, name.spells(descriptors[guess].name) { return guess }
        for index in descriptors.indices where name.spells(descriptors[index].name) {
            return index
        }
        return nil
    }

    /// The first thing about a shape that the model doesn't allow, relations between inputs aside.
    package enum ShapeDefect: Equatable, Sendable {
        case rank(expected: Int)
        case size(axis: Int, expected: Int)
    }

    /// Holds a shape against one input's rank and fixed sizes.
    package func defect(of shape: Shape, input: Int) -> ShapeDefect? {
        guard let axes = axes[input] else { return nil }
        guard shape.rank == axes.count else { return .rank(expected: axes.count) }
        for axis in axes.indices {
            if case .fixed(let size) = axes[axis], shape[axis] != size {
                return .size(axis: axis, expected: size)
            }
        }
        return nil
    }
}
