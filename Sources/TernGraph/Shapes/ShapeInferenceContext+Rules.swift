package import TernTensor

// What many shape rules have in common.
extension ShapeInferenceContext {
    /// Turns an axis that may count from the end into one that counts from the start.
    ///
    /// - Parameters:
    ///   - axis: The axis as the model gives it.
    ///   - rank: How many axes there are.
    ///   - allowsEnd: Whether the axis may also be one past the last, as for Flatten.
    /// - Returns: The axis, counted from the outermost.
    /// - Throws: ``OperatorError`` if there is no such axis.
    package func normalizedAxis(
        _ axis: Int,
        rank: Int,
        allowsEnd: Bool = false
    ) throws(OperatorError) -> Int {
        try Self.normalizedAxis(axis, rank: rank, allowsEnd: allowsEnd)
    }

    /// The same for whoever has no context, such as a kernel.
    package static func normalizedAxis(
        _ axis: Int,
        rank: Int,
        allowsEnd: Bool = false
    ) throws(OperatorError) -> Int {
        let upperBound = allowsEnd ? rank : rank - 1
        guard axis >= -rank, axis <= upperBound else {
            throw OperatorError("axis \(axis) is outside -\(rank)...\(upperBound)")
        }
        return axis < 0 ? axis + rank : axis
    }

    /// The axes that the model gives, counted from the start and ascending.
    ///
    /// - Parameters:
    ///   - axes: The axes as the model gives them.
    ///   - rank: How many axes there are.
    /// - Returns: The axes, ascending.
    /// - Throws: ``OperatorError`` if one does not exist or is named twice.
    package func normalizedAxes(_ axes: [Int], rank: Int) throws(OperatorError) -> [Int] {
        var normalized: [Int] = []
        for axis in axes {
            let position = try normalizedAxis(axis, rank: rank)
            guard !normalized.contains(position) else {
                throw OperatorError("axis \(axis) is named twice in \(axes)")
            }
            normalized.append(position)
        }
        return normalized.sorted()
    }

    /// The type that the given inputs share.
    ///
    /// - Parameter indices: The inputs; those that are not there or not known are passed over.
    /// - Returns: The type; `nil` if none is known.
    /// - Throws: ``OperatorError`` if two differ.
    package func commonElementType(
        of indices: some Sequence<Int>
    ) throws(OperatorError) -> ElementType? {
        var common: (index: Int, type: ElementType)?
        for index in indices {
            guard let type = elementType(index) else { continue }
            if let common, common.type != type {
                throw OperatorError(
                    "\(describe(index)) is \(type), but \(describe(common.index)) is \(common.type)"
                )
            }
            if common == nil { common = (index, type) }
        }
        return common?.type
    }

    /// Requires the type of an input, if known, to be one of `types`.
    package func requireElementType(
        _ index: Int,
        in types: Set<ElementType>
    ) throws(OperatorError) {
        guard let type = elementType(index), !types.contains(type) else { return }
        let names = types.map(\.name).sorted().joined(separator: ", ")
        throw OperatorError("\(describe(index)) is \(type), expected one of \(names)")
    }

    /// Requires the number of axes of an input, if known, to lie in a range.
    package func requireRank(_ index: Int, in range: ClosedRange<Int>) throws(OperatorError) {
        guard let rank = dimensions(index)?.count, !range.contains(rank) else { return }
        let expected =
            range.lowerBound == range.upperBound
            ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        throw OperatorError("\(describe(index)) has \(rank) axes, expected \(expected)")
    }

    /// The axes that numpy's broadcasting gives for the given inputs; `nil` if the rank of one is
    /// not known.
    package func broadcastDimensions(
        of indices: some Sequence<Int>
    ) throws(OperatorError) -> [Dimension]? {
        var result: [Dimension] = []
        for index in indices {
            guard hasInput(index) else { continue }
            guard let next = dimensions(index) else { return nil }
            do throws(OperatorError) {
                result = try Self.broadcast(result, next)
            } catch {
                throw OperatorError("\(describe(index)): \(error.message)")
            }
        }
        return result
    }

    /// Broadcasts two lists of axes as numpy does.
    package static func broadcast(
        _ left: [Dimension],
        _ right: [Dimension]
    ) throws(OperatorError) -> [Dimension] {
        let rank = max(left.count, right.count)
        var result: [Dimension] = []
        for axis in 0..<rank {
            let a = axis - (rank - left.count)
            let b = axis - (rank - right.count)
            let first = a >= 0 ? left[a] : .fixed(1)
            let second = b >= 0 ? right[b] : .fixed(1)
            result.append(try broadcast(first, second, left, right))
        }
        return result
    }

    private static func broadcast(
        _ first: Dimension,
        _ second: Dimension,
        _ left: [Dimension],
        _ right: [Dimension]
    ) throws(OperatorError) -> Dimension {
        if first == second { return first }
        if first == .fixed(1) { return second }
        if second == .fixed(1) { return first }
        switch (first, second) {
        case (.fixed, .fixed):
            throw OperatorError("\(text(right)) cannot be broadcast with \(text(left))")
        // The named side must turn out to be this size or 1.
        case (.fixed, _): return first
        case (_, .fixed): return second
        default: return .unknown
        }
    }

    /// Axes in brackets, for messages.
    package static func text(_ dimensions: [Dimension]) -> String {
        "[" + dimensions.map(\.description).joined(separator: ", ") + "]"
    }

    /// The axes after a reshape.
    ///
    /// - Parameters:
    ///   - dimensions: The axes before; `nil` if not known.
    ///   - target: The wanted axes: -1 means what is left, 0 the axis at the same place unless
    ///     `allowsZero`.
    ///   - allowsZero: Whether 0 means an empty axis.
    /// - Returns: The axes after.
    /// - Throws: ``OperatorError`` if the number of elements cannot be the same.
    package static func reshape(
        _ dimensions: [Dimension]?,
        to target: [Dimension],
        allowsZero: Bool
    ) throws(OperatorError) -> [Dimension] {
        var result: [Dimension] = []
        var inferredAxis: Int?
        for (axis, wanted) in target.enumerated() {
            switch wanted {
            case .fixed(-1):
                guard inferredAxis == nil else {
                    throw OperatorError("the wanted shape \(text(target)) has more than one -1")
                }
                inferredAxis = axis
                result.append(.unknown)
            case .fixed(0) where !allowsZero:
                guard let dimensions else {
                    result.append(.unknown)
                    continue
                }
                guard axis < dimensions.count else {
                    throw OperatorError(
                        "the wanted shape \(text(target)) copies axis \(axis), but the input is "
                            + text(dimensions)
                    )
                }
                result.append(dimensions[axis])
            case .fixed(let size) where size < -1:
                throw OperatorError("the wanted shape \(text(target)) has a negative size")
            default: result.append(wanted)
            }
        }
        guard let dimensions else { return result }
        let total = Dimension.product(of: dimensions)
        guard let inferredAxis else {
            if total.isKnownDifferent(from: Dimension.product(of: result)) {
                throw OperatorError(
                    "the input \(text(dimensions)) does not have as many elements as "
                        + text(result)
                )
            }
            // An axis that the wanted shape leaves open follows from the others.
            let open = result.indices.filter { result[$0] == .unknown }
            if open.count == 1 {
                var others = result
                others.remove(at: open[0])
                if let rest = total.dividedExactly(by: .product(of: others)) {
                    result[open[0]] = rest
                }
            }
            return result
        }
        var others = result
        others.remove(at: inferredAxis)
        let known = Dimension.product(of: others)
        guard let rest = total.dividedExactly(by: known) else {
            throw OperatorError(
                "the input \(text(dimensions)) cannot be divided into the wanted shape "
                    + text(target)
            )
        }
        result[inferredAxis] = rest
        return result
    }
}
