import TernGraph
import TernTensor

/// Einstein's notation: which label every axis of every input has, and which labels remain.
struct EinsumEquation: Sendable {
    /// An axis' label: a letter, or a place in the ellipsis counted from its end.
    enum Label: Hashable, Sendable {
        case letter(UInt8)
        case ellipsis(Int)
    }

    /// The labels of each input's axes.
    let inputs: [[Label]]
    /// The labels of the output's axes, each of them once.
    let output: [Label]

    /// Reads an equation such as `bij,bjk->bik`.
    ///
    /// - Parameters:
    ///   - text: The equation; blanks do not matter. Without `->` the labels that occur once remain, in
    ///     alphabetical order behind the ellipsis.
    ///   - ranks: How many axes each input has.
    /// - Throws: ``OperatorError`` if it is not an equation for these inputs.
    init(_ text: String, ranks: [Int]) throws(OperatorError) {
        let characters = Array(text.utf8).filter { $0 != UInt8(ascii: " ") }
        let arrow = characters.indices.dropLast().first {
            characters[$0] == UInt8(ascii: "-") && characters[$0 + 1] == UInt8(ascii: ">")
        }
        let terms = characters[..<(arrow ?? characters.count)].split(
            separator: UInt8(ascii: ","),
            omittingEmptySubsequences: false
        )
        guard terms.count == ranks.count else {
            throw OperatorError(
                "the equation \"\(GraphLocation.printable(text))\" is for \(terms.count) inputs, "
                    + "\(ranks.count) are given"
            )
        }
        var inputs: [[Label]] = []
        var ellipsisCount = 0
        for (term, rank) in zip(terms, ranks) {
            let parts = try Self.parts(of: term, in: text)
            let count = rank - parts.letterCount
            guard count == 0 || (count > 0 && parts.hasEllipsis) else {
                throw OperatorError(
                    "the equation \"\(GraphLocation.printable(text))\" names "
                        + "\(parts.letterCount) axes of an input that has \(rank)"
                )
            }
            inputs.append(Self.labels(parts, ellipsisCount: count))
            ellipsisCount = max(ellipsisCount, count)
        }
        self.inputs = inputs
        let all = inputs.flatMap { $0 }
        guard let arrow else {
            let letters = Set(all).compactMap { label -> UInt8? in
                guard case .letter(let letter) = label,
                    all.count(where: { $0 == label }) == 1
                else { return nil }
                return letter
            }
            output =
                (0..<ellipsisCount).reversed().map { .ellipsis($0) }
                + letters.sorted().map { .letter($0) }
            return
        }
        let parts = try Self.parts(of: characters[(arrow + 2)...], in: text)
        output = Self.labels(parts, ellipsisCount: parts.hasEllipsis ? ellipsisCount : 0)
        guard Set(output).count == output.count, Set(output).isSubset(of: all) else {
            throw OperatorError(
                "the output of the equation \"\(GraphLocation.printable(text))\" names an axis twice, "
                    + "or one that no input has"
            )
        }
    }

    private struct Parts {
        var before: [UInt8] = []
        var after: [UInt8] = []
        var hasEllipsis = false
        var letterCount: Int { before.count + after.count }
    }

    private static func parts(
        of term: ArraySlice<UInt8>,
        in text: String
    ) throws(OperatorError) -> Parts {
        var parts = Parts()
        var rest = term
        while let character = rest.popFirst() {
            switch character {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                if parts.hasEllipsis {
                    parts.after.append(character)
                } else {
                    parts.before.append(character)
                }
            case UInt8(ascii: ".")
            where !parts.hasEllipsis && rest.prefix(2).elementsEqual("..".utf8):
                parts.hasEllipsis = true
                rest = rest.dropFirst(2)
            default:
                throw OperatorError(
                    "\"\(GraphLocation.printable(text))\" is not an equation of letters, commas, "
                        + "... and ->"
                )
            }
        }
        return parts
    }

    private static func labels(_ parts: Parts, ellipsisCount: Int) -> [Label] {
        parts.before.map { .letter($0) } + (0..<ellipsisCount).reversed().map { .ellipsis($0) }
            + parts.after.map { .letter($0) }
    }

    /// The size of each label.
    ///
    /// - Parameter dimensions: The axes of each input; one of 1 is repeated.
    /// - Returns: The sizes, by label.
    /// - Throws: ``OperatorError`` if two axes with one label differ.
    func sizes(
        _ dimensions: [[Dimension]]
    ) throws(OperatorError) -> [Label: Dimension] {
        var sizes: [Label: Dimension] = [:]
        for (labels, axes) in zip(inputs, dimensions) {
            for (label, size) in zip(labels, axes) {
                sizes[label] = try ShapeInferenceContext.broadcast(
                    [sizes[label] ?? .fixed(1)],
                    [size]
                )[0]
            }
        }
        return sizes
    }
}
