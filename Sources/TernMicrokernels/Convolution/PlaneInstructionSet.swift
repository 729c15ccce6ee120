/// Instruction sets that can also read parts of a register, and move lanes about.
@usableFromInline package protocol PlaneInstructionSet: ShuffleInstructionSet {
    /// Loads lanes `first..<end`, 0...laneCount, and zeroes the others; touches nothing else.
    static func load(_ p: UnsafePointer<Float>, from first: Int, to end: Int) -> Floats
    /// Lane i gets lane i − 1, and lane 0 gets `first`.
    static func shiftedUp(_ a: Floats, first: Float) -> Floats
    /// Lane i gets lane `indices[i]`, 0..<laneCount.
    static func permute(_ a: Floats, _ indices: Integers) -> Floats
}
