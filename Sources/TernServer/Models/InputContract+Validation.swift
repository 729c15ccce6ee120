internal import TernTensor
package import TernWire

extension InputContract {
    /// Holds every input of a request against the model: that each is there, that there is no
    /// other, its type, rank and every size, and that axes which the model gives one name have one
    /// size.
    ///
    /// The wire protocol has seen to it that each payload is as long as its shape says.
    ///
    /// Allocates nothing unless it throws.
    ///
    /// - Parameter request: The request.
    /// - Throws: ``RequestFailure`` that names the first input that is wrong.
    /// - Complexity: O(n) for n inputs in the model's order, O(n²) in another.
    package func validate(
        _ request: borrowing ModelInferRequestView
    ) throws(RequestFailure) {
        var inputs = request.inputs
        var position = 0
        while let input = inputs.next() {
            guard let index = index(named: input.name, guess: position) else {
                throw unknownInput(input.name.text)
            }
            try validate(input, index: index)
            position += 1
        }
        // The protocol admits no name twice, and every name is known: so with the right number of
        // inputs each of the model's is there.
        guard request.inputCount == count else { throw missingInput(in: request) }
        try validateSymbols(of: request)
    }

    /// Finds the shape that the request gives to one of the model's inputs.
    private func shape(
        ofInput index: Int,
        in request: borrowing ModelInferRequestView
    ) -> Shape? {
        var inputs = request.inputs
        while let input = inputs.next() {
            if input.name.spells(descriptors[index].name) { return input.shape }
        }
        return nil
    }

    private func validate(_ input: borrowing TensorView, index: Int) throws(RequestFailure) {
        let descriptor = descriptors[index]
        guard input.elementType == descriptor.elementType else {
            throw RequestFailure(
                .invalidArgument,
                "the input '\(descriptor.name)' has another type",
                subject: "input '\(descriptor.name)'",
                expected: descriptor.elementType.name,
                found: input.elementType.name
            )
        }
        guard let defect = defect(of: input.shape, input: index) else { return }
        let what =
            switch defect {
            case .rank(let expected):
                "has \(input.shape.rank) axes instead of \(expected)"
            case .size(let axis, let expected):
                "has size \(input.shape[axis]) instead of \(expected) along axis \(axis)"
            }
        throw shapeMismatch(input: index, found: input.shape, what: what)
    }

    private func validateSymbols(
        of request: borrowing ModelInferRequestView
    ) throws(RequestFailure) {
        var inputs = request.inputs
        var position = 0
        while let input = inputs.next() {
            defer { position += 1 }
            guard let index = index(named: input.name, guess: position), let axes = axes[index]
            else { continue }
            for axis in axes.indices {
                guard case .sameAs(let other, let otherAxis) = axes[axis],
                    other != index || otherAxis != axis
                else { continue }
                let shape = input.shape
                let expected = other == index ? shape : self.shape(ofInput: other, in: request)
                guard let size = expected?[otherAxis], shape[axis] != size else { continue }
                throw shapeMismatch(
                    input: index,
                    found: shape,
                    what: "has size \(shape[axis]) along axis \(axis), but input "
                        + "'\(descriptors[other].name)' has \(size) along axis \(otherAxis)"
                )
            }
        }
    }

    private func shapeMismatch(input index: Int, found: Shape, what: String) -> RequestFailure {
        let descriptor = descriptors[index]
        let axes = (descriptor.dimensions ?? []).map(\.description).joined(separator: ", ")
        return RequestFailure(
            .invalidArgument,
            "the input '\(descriptor.name)' \(what)",
            subject: "input '\(descriptor.name)'",
            expected: "[\(axes)]",
            found: found.description
        )
    }

    private func unknownInput(_ name: String) -> RequestFailure {
        RequestFailure(
            .invalidArgument,
            "the model has no input '\(name)'",
            subject: "input '\(name)'",
            expected: names,
            found: "'\(name)'"
        )
    }

    private func missingInput(in request: borrowing ModelInferRequestView) -> RequestFailure {
        let missing = descriptors.indices.first { shape(ofInput: $0, in: request) == nil } ?? 0
        return RequestFailure(
            .invalidArgument,
            "the input '\(descriptors[missing].name)' is missing",
            subject: "input '\(descriptors[missing].name)'",
            expected: descriptors[missing].description,
            found: "\(request.inputCount) of \(count) inputs"
        )
    }

    /// The inputs' names, for a message.
    private var names: String {
        descriptors.isEmpty
            ? "no input" : descriptors.map { "'\($0.name)'" }.joined(separator: ", ")
    }
}

extension OutputContract {
    /// Checks that the model has every output that a request wants.
    ///
    /// Allocates nothing unless it throws.
    ///
    /// - Parameter request: The request.
    /// - Throws: ``RequestFailure`` that names the first output the model doesn't have.
    package func validate(
        _ request: borrowing ModelInferRequestView
    ) throws(RequestFailure) {
        var wanted = request.wantedOutputs
        while let name = wanted.next() {
            guard index(named: name) == nil else { continue }
            throw RequestFailure(
                .invalidArgument,
                "the model has no output '\(name.text)'",
                subject: "output '\(name.text)'",
                expected: descriptors.map { "'\($0.name)'" }.joined(separator: ", "),
                found: "'\(name.text)'"
            )
        }
    }
}
