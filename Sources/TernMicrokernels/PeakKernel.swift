/// Arithmetic that waits for nothing: what the machine can do at best.
///
/// The denominator of every "percent of the peak". Nothing is loaded or stored in the loop, and twelve
/// independent chains hide the latency of the operation.
@usableFromInline
internal enum PeakKernel<I: InstructionSet> {
    /// Runs `count` rounds of ``KernelTable/peakRoundRegisterCount`` multiplications and additions of
    /// a whole register.
    ///
    /// - Returns: A number that depends on all of them.
    @inlinable
    @inline(never)
    internal static func multiplyAdds(_ count: Int, _ seeds: UnsafePointer<Float>) -> Float {
        let x = unsafe I.broadcast(seeds[0])
        let y = unsafe I.broadcast(seeds[1])
        var sums = InlineArray<12, I.Floats>(repeating: x)
        for i in 0..<12 { unsafe sums[unchecked: i] = I.broadcast(seeds[2 &+ i]) }
        var remaining = count
        while remaining > 0 {
            for i in 0..<12 {
                unsafe sums[unchecked: i] = I.multiplyAdd(x, sums[unchecked: i], y)
            }
            remaining &-= 1
        }
        var total = unsafe sums[unchecked: 0]
        for i in 1..<12 { total = unsafe I.add(total, sums[unchecked: i]) }
        return I.sum(total)
    }
}
