/// Products of bfloat16 with sums of 32-bit floats.
///
/// Equation: sum[m, n] = Σ a[m, k]·b[k, n], as one chain over pairs of k: for k = 0, 2, 4, … the product
/// for k+1 is added first, then that for k, each addition rounded to nearest; products are exact in 32
/// bits. So all instruction sets give the same bits as long as no denormal takes part: VDPBF16PS, which
/// level 4 runs on, takes denormal operands for zero and makes denormal results zero. Odd depths are
/// filled up with a pair that is half zero. Scalar twin: `ScalarTwin.bfloatProduct` in the tests.
@usableFromInline
internal enum BFloatKernel<I: BFloatInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ operands: DotOperands, _ end: SumFinish) {
        unsafe DotKernel<BFloatProduct<I>>.run(operands) {
            unsafe SumFinishKernel<I>.store(end, $0, $1, $2, $3, $4, $5)
        }
    }
}
