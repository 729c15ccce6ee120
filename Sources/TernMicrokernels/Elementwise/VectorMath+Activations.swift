/// Activations made of the functions in `VectorMath.swift`.
extension VectorMath {
    /// x/2·(1 + erf(x/√2)), at most 6·2⁻²⁴·|x| off.
    ///
    /// erf(t/√2) = t·P(t²)/Q(t²), minimax on [0, 5.55] within 0.32·2⁻²⁴; there it is 1 in single
    /// precision, so that far to the left the result is 0 and far to the right x. The common factor of
    /// P and Q is the one whose rounded coefficients did best.
    @inlinable
    @inline(__always)
    internal static func gelu(_ x: Floats) -> Floats {
        // The bound comes first, so that a NaN passes.
        let t = I.minimum(constant(5.55), absolute(x))
        let s = I.multiply(t, t)
        var p = constant(6.330_903_801e-8)
        p = multiplyAdd(p, s, 1.762_415_195e-5)
        p = multiplyAdd(p, s, 4.667_444_737e-4)
        p = multiplyAdd(p, s, 1.305_923_518e-2)
        p = multiplyAdd(p, s, 9.432_980_418e-2)
        p = multiplyAdd(p, s, 1.117_038_369)
        var q = constant(1.664_797_310e-6)
        q = multiplyAdd(q, s, 1.018_264_156e-4)
        q = multiplyAdd(q, s, 2.621_818_101e-3)
        q = multiplyAdd(q, s, 3.996_138_275e-2)
        q = multiplyAdd(q, s, 3.515_577_912e-1)
        q = multiplyAdd(q, s, 1.399_999_976)
        let erf = I.divide(I.minimum(q, I.multiply(t, p)), q)
        return I.multiply(
            I.multiply(x, constant(0.5)),
            I.add(constant(1), withSign(erf, of: x))
        )
    }

    /// x/2·(1 + tanh u) = x / (1 + e^(-2u)) with u = √(2/π)·(x + 0.044715·x³), at most 4·2⁻²⁴·|x| off.
    @inlinable
    @inline(__always)
    internal static func geluTanh(_ x: Floats) -> Floats {
        let s = I.multiply(x, x)
        let slope = I.multiplyAdd(
            constant(-1.595_769_121_6),
            s,
            constant(-0.071_354_816_27)
        )
        return I.divide(x, I.add(constant(1), exponential(I.multiply(x, slope))))
    }

    /// ln(1 + eˣ) without overflow, at most 5 ULP; 4 where sums and products are fused.
    @inlinable
    @inline(__always)
    internal static func softplus(_ x: Floats) -> Floats {
        let tail = logarithmOfOnePlus(exponential(nonpositive: negativeMagnitude(x)))
        return I.add(I.maximum(constant(0), x), tail)
    }

    /// x·tanh(ln(1 + eˣ)) = x·n / (n + 2) with n = eˣ·(eˣ + 2), at most 8 ULP.
    @inlinable
    @inline(__always)
    internal static func mish(_ x: Floats) -> Floats {
        // From 20 on the quotient is 1.
        let e = exponential(bounded: I.minimum(constant(20), I.maximum(constant(-104), x)))
        let n = I.multiply(e, I.add(e, constant(2)))
        return I.multiply(x, I.divide(n, I.add(n, constant(2))))
    }
}
