package import TernTensor

extension Dimension {
    /// What two lists of axes have in common: equal axes stay, others become unknown; `nil` if they
    /// differ in number, or one is not known.
    package static func common(_ left: [Dimension]?, _ right: [Dimension]?) -> [Dimension]? {
        guard let left, let right, left.count == right.count else { return nil }
        return zip(left, right).map { $0 == $1 ? $0 : .unknown }
    }
}
