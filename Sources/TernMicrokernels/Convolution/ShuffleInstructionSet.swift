/// Instruction sets that can also reorder the lanes of two registers.
@usableFromInline package protocol ShuffleInstructionSet: InstructionSet {
    /// Lanes 0, 2, 4, … of `a`, then those of `b`.
    static func even(_ a: Floats, _ b: Floats) -> Floats
    /// Lanes 1, 3, 5, … of `a`, then those of `b`.
    static func odd(_ a: Floats, _ b: Floats) -> Floats
    /// a₀ b₀ a₁ b₁ …: the lower halves in turns.
    static func zipLow(_ a: Floats, _ b: Floats) -> Floats
    /// The upper halves in turns.
    static func zipHigh(_ a: Floats, _ b: Floats) -> Floats
}
