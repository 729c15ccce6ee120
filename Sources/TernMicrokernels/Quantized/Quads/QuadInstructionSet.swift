/// What convolutions of bytes need besides products in groups of four.
@usableFromInline package protocol QuadInstructionSet: IntegerInstructionSet, ShuffleInstructionSet
{
    /// Lane i is the four bytes from p + i·stride, stride 1...4; up to 4·laneCount bytes are read.
    static func windows(_ p: UnsafePointer<UInt8>, stride: Int32) -> Integers
    /// The lowest bytes of `count` lanes from `lane` on, to `p` and what follows; touches nothing else.
    static func store(
        bytes v: Integers,
        _ p: UnsafeMutablePointer<UInt8>,
        from lane: Int,
        count: Int
    )
}
