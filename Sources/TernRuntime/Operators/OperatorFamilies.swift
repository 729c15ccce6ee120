extension OperatorLibrary {
    /// The families, each in a file of its own.
    static let families: [[OperatorDeclaration]] = [
        ViewOperators.all
    ]
}
