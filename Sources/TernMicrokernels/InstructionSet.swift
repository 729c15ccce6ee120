/// What a set of vector instructions can do, for microkernels that are written once.
///
/// Each module that is compiled for an instruction set has one conforming type of its own, so that
/// a kernel specialised for it has a symbol of its own. Everything is inlined after specialisation.
/// A `Mask` is a vector of integers whose lanes are 0 or -1.
@usableFromInline package protocol InstructionSet: SendableMetatype {
    /// A register of 32-bit floats.
    associatedtype Floats: BitwiseCopyable
    /// A register of 32-bit integers, as many as ``Floats`` has floats.
    associatedtype Integers: BitwiseCopyable
    /// As many 16-bit numbers.
    associatedtype Halfwords: BitwiseCopyable

    /// The floats in one register.
    static var laneCount: Int { get }
    /// The most rows of C whose accumulators fit the registers, two registers per row; 6 or 12.
    static var maximumRowCount: Int { get }

    // Memory; no alignment is needed.
    static func broadcast(_ x: Float) -> Floats
    static func load(_ p: UnsafePointer<Float>) -> Floats
    static func store(_ v: Floats, _ p: UnsafeMutablePointer<Float>)
    /// Loads the first `count` lanes, 0...laneCount, and zeroes the others; touches nothing else.
    static func load(_ p: UnsafePointer<Float>, count: Int) -> Floats
    /// Stores the first `count` lanes, 0...laneCount; touches nothing else.
    static func store(_ v: Floats, _ p: UnsafeMutablePointer<Float>, count: Int)
    /// Brings a line into the second level of the cache; any address may be given.
    static func prefetch(_ p: UnsafePointer<Float>)
    /// Reads 4 floats of each of laneCount rows and writes them, scaled, as 4 rows of laneCount
    /// floats: target[i·targetStride + n] = p[n·stride + i]·scale.
    static func transposeFour(
        _ p: UnsafePointer<Float>,
        stride: Int,
        scale: Float,
        into target: UnsafeMutablePointer<Float>,
        stride targetStride: Int
    )
    static func load(_ p: UnsafePointer<UInt16>) -> Halfwords
    static func store(_ v: Halfwords, _ p: UnsafeMutablePointer<UInt16>)

    // Arithmetic.
    static func add(_ a: Floats, _ b: Floats) -> Floats
    static func subtract(_ a: Floats, _ b: Floats) -> Floats
    static func multiply(_ a: Floats, _ b: Floats) -> Floats
    static func divide(_ a: Floats, _ b: Floats) -> Floats
    /// a·b + c, with one rounding if the instruction set can.
    static func multiplyAdd(_ c: Floats, _ a: Floats, _ b: Floats) -> Floats
    /// The larger; b if either is NaN or both are 0.
    static func maximum(_ a: Floats, _ b: Floats) -> Floats
    /// The smaller; b if either is NaN or both are 0.
    static func minimum(_ a: Floats, _ b: Floats) -> Floats
    static func squareRoot(_ a: Floats) -> Floats
    static func floor(_ a: Floats) -> Floats
    static func ceiling(_ a: Floats) -> Floats
    static func roundToEven(_ a: Floats) -> Floats
    /// The sum of all lanes: halves are added until one is left.
    static func sum(_ a: Floats) -> Float

    // Comparisons, bits.
    static func less(_ a: Floats, _ b: Floats) -> Integers
    static func lessOrEqual(_ a: Floats, _ b: Floats) -> Integers
    static func equal(_ a: Floats, _ b: Floats) -> Integers
    static func notEqual(_ a: Floats, _ b: Floats) -> Integers
    static func select(_ mask: Integers, _ yes: Floats, _ no: Floats) -> Floats
    static func bits(_ a: Floats) -> Integers
    static func floats(bits: Integers) -> Floats
    static func broadcast(_ x: Int32) -> Integers
    static func add(_ a: Integers, _ b: Integers) -> Integers
    static func subtract(_ a: Integers, _ b: Integers) -> Integers
    static func and(_ a: Integers, _ b: Integers) -> Integers
    static func or(_ a: Integers, _ b: Integers) -> Integers
    static func xor(_ a: Integers, _ b: Integers) -> Integers
    static func shiftLeft(_ a: Integers, by count: Int32) -> Integers
    /// Keeps the sign.
    static func shiftRight(_ a: Integers, by count: Int32) -> Integers
    static func convert(_ a: Integers) -> Floats
    /// How many roots of two ``rootOfTwo(_:)`` knows, a power of two.
    static var rootOfTwoCount: Int { get }
    /// 2^(i/rootOfTwoCount), rounded to nearest; i is the low bits of each lane.
    static func rootOfTwo(_ i: Integers) -> Floats
    /// By what part of itself ``rootOfTwo(_:)`` is too small.
    static func rootOfTwoRest(_ i: Integers) -> Floats
    /// a·2^⌊n⌋ with one rounding; `n` is a multiple of 1/rootOfTwoCount between -252 and 252, and
    /// `shifted` n + 1.5·2²³/rootOfTwoCount.
    static func scale(_ a: Floats, byPowerOfTwo n: Floats, shifted: Floats) -> Floats

    // Across lanes.
    /// Lane 0.
    static func first(_ a: Floats) -> Float
    /// A mask of the first `count` lanes, 0...laneCount.
    static func firstLanes(_ count: Int) -> Integers
    /// Lane i gets lane i + count, around the end; `count` is 1, 2, 4 or 8 and below laneCount.
    static func lanes(_ a: Floats, shiftedDownBy count: Int) -> Floats

    /// The even lanes of `a`, then the odd lanes of `b`.
    static func everyOther(_ a: Floats, _ b: Floats) -> Floats
    /// y[c·yStride + r] = x[r·xStride + c] for r, c < laneCount.
    static func transpose(
        _ x: UnsafePointer<Float>,
        _ xStride: Int,
        _ y: UnsafeMutablePointer<Float>,
        _ yStride: Int
    )
    /// A mask of the bytes that are not 0; reads the first `count`, and the other lanes are off.
    static func notZero(_ p: UnsafePointer<UInt8>, count: Int) -> Integers

    // 16-bit floats.
    static func halfwords(_ a: Integers) -> Halfwords
    static func integers(_ a: Halfwords) -> Integers
    /// IEEE binary16 to binary32, exact.
    static func floats(half: Halfwords) -> Floats
    /// IEEE binary32 to binary16, to nearest, ties to even.
    static func half(_ a: Floats) -> Halfwords
}
