/// Transcendental functions on one register, written once for every instruction set.
///
/// The polynomials are evaluated in the same order for every lane, so that a value's result does not
/// depend on where in an array it stands. Bounds hold with and without fused multiplication.
@usableFromInline
internal enum VectorMath<I: InstructionSet> {
    @usableFromInline internal typealias Floats = I.Floats

    @inlinable
    @inline(__always)
    internal static func constant(_ x: Float) -> Floats { I.broadcast(x) }

    /// Horner's rule: (…(c₀·x + c₁)·x + …).
    @inlinable
    @inline(__always)
    internal static func multiplyAdd(_ a: Floats, _ b: Floats, _ c: Float) -> Floats {
        I.multiplyAdd(constant(c), a, b)
    }

    @inlinable
    @inline(__always)
    internal static func absolute(_ x: Floats) -> Floats {
        I.floats(bits: I.and(I.bits(x), I.broadcast(Int32.max)))
    }

    @inlinable
    @inline(__always)
    internal static func negative(_ x: Floats) -> Floats {
        I.floats(bits: I.xor(I.bits(x), I.broadcast(Int32.min)))
    }

    /// -|x|, the sign of NaN included.
    @inlinable
    @inline(__always)
    internal static func negativeMagnitude(_ x: Floats) -> Floats {
        I.floats(bits: I.or(I.bits(x), I.broadcast(Int32.min)))
    }

    /// The magnitude of `x` with the sign of `sign`; `x` must not be negative.
    @inlinable
    @inline(__always)
    internal static func withSign(_ x: Floats, of sign: Floats) -> Floats {
        I.floats(bits: I.or(I.bits(x), I.and(I.bits(sign), I.broadcast(Int32.min))))
    }

    /// x = n·ln 2 + r with n a multiple of 1/steps and |r| ≤ ln 2 / (2·steps); x between -104 and 89,
    /// or NaN.
    ///
    /// `steps` is a power of two up to 16. `shifted` is n + 1.5·2²³/steps, whose low bits are the
    /// integer steps·n.
    @inlinable
    @inline(__always)
    internal static func reduce(
        _ x: Floats,
        steps: Int = 1
    ) -> (shifted: Floats, n: Floats, r: Floats) {
        let magic = constant(0x1.8p23 / Float(steps))
        let shifted = I.multiplyAdd(magic, x, constant(1.442_695_04))
        let n = I.subtract(shifted, magic)
        // ln 2 in two parts; the product with the first is exact.
        var r = I.multiplyAdd(x, n, constant(-0.693_359_375))
        r = I.multiplyAdd(r, n, constant(2.121_944_40e-4))
        return (shifted, n, r)
    }

    /// (eʳ - 1 - r) / r² for |r| ≤ ln 2 / 2: the minimax polynomial that keeps eʳ within 0.06·2⁻²⁴.
    @inlinable
    @inline(__always)
    internal static func exponentialTail(_ r: Floats) -> Floats {
        var p = constant(1.381_454_058e-3)
        p = multiplyAdd(p, r, 8.368_745_446e-3)
        p = multiplyAdd(p, r, 4.166_838_899e-2)
        p = multiplyAdd(p, r, 1.666_652_113e-1)
        return multiplyAdd(p, r, 4.999_999_404e-1)
    }

    /// eˣ for x between -104 and 89, or NaN.
    ///
    /// Where a register of roots of two can be looked up, n has a fraction, and r is so small that the
    /// cubic 1 + r + a·r² + r³/6 does, whose `a` spreads what r⁴/24 is off over the interval. What the
    /// roots lost when they were rounded is made good.
    @inlinable
    @inline(__always)
    internal static func exponential(bounded x: Floats) -> Floats {
        let steps = I.rootOfTwoCount
        let (shifted, n, r) = reduce(x, steps: steps)
        if steps == 1 {
            let y = multiplyAdd(multiplyAdd(exponentialTail(r), r, 1), r, 1)
            return I.scale(y, byPowerOfTwo: n, shifted: shifted)
        }
        let root = I.rootOfTwo(I.bits(shifted))
        let bend = 0.004_146 / Float(steps &* steps)
        let p = multiplyAdd(multiplyAdd(constant(1.666_666_67e-1), r, 0.5 + bend), r, 1)
        let rest = I.rootOfTwoRest(I.bits(shifted))
        let y = I.multiplyAdd(root, root, I.multiplyAdd(rest, p, r))
        return I.scale(y, byPowerOfTwo: n, shifted: shifted)
    }

    /// eˣ, at most 2 ULP, denormal results included; exact at 0 and ±∞.
    @inlinable
    @inline(__always)
    internal static func exponential(_ x: Floats) -> Floats {
        // The bound comes first, so that a NaN passes.
        exponential(bounded: I.minimum(constant(89), I.maximum(constant(-104), x)))
    }

    /// eˣ for x ≤ 0 or NaN, with the same bits as the function for any x.
    @inlinable
    @inline(__always)
    internal static func exponential(nonpositive x: Floats) -> Floats {
        exponential(bounded: I.maximum(constant(-104), x))
    }

    /// eˣ - 1 for x ≤ 0, at most 3 ULP.
    @inlinable
    @inline(__always)
    internal static func exponentialMinusOne(_ x: Floats) -> Floats {
        // -0 stays -0.
        I.select(I.equal(x, constant(0)), x, exponentialMinusOne(unsigned: x))
    }

    /// The same, whose zeros have any sign.
    @inlinable
    @inline(__always)
    internal static func exponentialMinusOne(unsigned x: Floats) -> Floats {
        let (shifted, _, r) = reduce(I.maximum(constant(-30), x))
        let p = I.multiplyAdd(r, exponentialTail(r), I.multiply(r, r))
        // The upper bits of `shifted` leave at the left; what remains is 2ⁿ less its bias.
        let scale = I.floats(
            bits: I.add(
                I.shiftLeft(I.bits(shifted), by: 23),
                I.broadcast(Int32(0x3f80_0000))
            )
        )
        return I.multiplyAdd(I.subtract(scale, constant(1)), p, scale)
    }

    /// ln x, at most 2 ULP; -∞ at ±0, NaN below.
    @inlinable
    @inline(__always)
    internal static func logarithm(_ x: Floats) -> Floats {
        let isDenormal = I.less(x, constant(0x1p-126))
        let normal = I.select(isDenormal, I.multiply(x, constant(0x1p23)), x)
        let bits = I.bits(normal)
        // Mantissa in [√½, √2): the exponent is rounded up from √½ on.
        let shifted = I.subtract(bits, I.broadcast(Int32(0x3f35_04f3)))
        let exponent = I.shiftRight(shifted, by: 23)
        let mantissa = I.floats(
            bits: I.add(
                I.and(shifted, I.broadcast(Int32(0x007f_ffff))),
                I.broadcast(Int32(0x3f35_04f3))
            )
        )
        let e = I.subtract(
            I.convert(exponent),
            I.select(isDenormal, constant(23), constant(0))
        )
        let f = I.subtract(mantissa, constant(1))
        var p = constant(7.037_683_629_2e-2)
        p = multiplyAdd(p, f, -1.151_461_031_0e-1)
        p = multiplyAdd(p, f, 1.167_699_874_0e-1)
        p = multiplyAdd(p, f, -1.242_014_084_6e-1)
        p = multiplyAdd(p, f, 1.424_932_278_7e-1)
        p = multiplyAdd(p, f, -1.666_805_766_5e-1)
        p = multiplyAdd(p, f, 2.000_071_476_5e-1)
        p = multiplyAdd(p, f, -2.499_999_399_3e-1)
        p = multiplyAdd(p, f, 3.333_333_117_4e-1)
        let square = I.multiply(f, f)
        var y = I.multiply(I.multiply(p, f), square)
        y = I.multiplyAdd(y, e, constant(-2.121_944_40e-4))
        y = I.multiplyAdd(y, square, constant(-0.5))
        y = I.add(f, y)
        y = I.multiplyAdd(y, e, constant(0.693_359_375))
        y = I.select(I.equal(x, constant(.infinity)), x, y)
        y = I.select(I.equal(x, constant(0)), constant(-.infinity), y)
        y = I.select(I.less(x, constant(0)), constant(.nan), y)
        return I.select(I.notEqual(x, x), x, y)
    }

    /// ln(1 + x) for 0 ≤ x ≤ 1, at most 3 ULP: x times a quotient of polynomials.
    @inlinable
    @inline(__always)
    internal static func logarithmOfOnePlus(_ x: Floats) -> Floats {
        var p = constant(3.417_284_926e-3)
        p = multiplyAdd(p, x, 2.381_576_151e-1)
        p = multiplyAdd(p, x, 1.066_218_615)
        p = multiplyAdd(p, x, 1)
        var q = constant(7.528_731_972e-2)
        q = multiplyAdd(q, x, 6.879_364_848e-1)
        q = multiplyAdd(q, x, 1.566_218_495)
        q = multiplyAdd(q, x, 1)
        return I.multiply(x, I.divide(p, q))
    }

    /// tanh x, at most 4 ULP, as m / (m + 2) where m = e^(-2|x|) - 1; never beyond ±1.
    @inlinable
    @inline(__always)
    internal static func hyperbolicTangent(_ x: Floats) -> Floats {
        let t = negativeMagnitude(x)
        let m = exponentialMinusOne(unsigned: I.add(t, t))
        return withSign(absolute(I.divide(m, I.add(m, constant(2)))), of: x)
    }

    /// 1 / (1 + e⁻ˣ), at most 3 ULP.
    @inlinable
    @inline(__always)
    internal static func sigmoid(_ x: Floats) -> Floats {
        // e to a negative power cannot overflow, and keeps tiny results exact to the last bits.
        let e = exponential(nonpositive: negativeMagnitude(x))
        let numerator = I.select(I.less(x, constant(0)), e, constant(1))
        return I.divide(numerator, I.add(e, constant(1)))
    }

    /// erf x, at most 4 ULP.
    @inlinable
    @inline(__always)
    internal static func errorFunction(_ x: Floats) -> Floats {
        let t = absolute(x)
        let s = I.multiply(x, x)
        // |x| > 0.9277: 1 - e^(polynomial), the polynomial being ln(1 - erf t).
        var r = multiplyAdd(constant(-1.728_534_70e-5), t, 3.831_971_26e-4)
        let u = multiplyAdd(constant(-3.883_964_38e-3), t, 2.425_462_19e-2)
        r = I.multiplyAdd(u, r, s)
        r = multiplyAdd(r, t, -1.067_778_77e-1)
        r = multiplyAdd(r, t, -6.348_466_87e-1)
        r = multiplyAdd(r, t, -1.287_175_12e-1)
        r = I.multiplyAdd(negative(t), r, t)
        // From 4 on the result is 1; the polynomial is not to be trusted far beyond.
        r = I.select(I.less(constant(4), t), constant(-20), r)
        let large = withSign(I.subtract(constant(1), exponential(bounded: r)), of: x)
        // Elsewhere an odd polynomial.
        var p = constant(-5.967_617_03e-4)
        p = multiplyAdd(p, s, 4.991_194_23e-3)
        p = multiplyAdd(p, s, -2.676_813_49e-2)
        p = multiplyAdd(p, s, 1.128_199_25e-1)
        p = multiplyAdd(p, s, -3.761_253_36e-1)
        p = multiplyAdd(p, s, 1.283_791_66e-1)
        let small = I.multiplyAdd(x, p, x)
        let y = I.select(I.less(constant(0.927_734_375), t), large, small)
        return I.select(I.notEqual(x, x), x, y)
    }

    /// The larger; NaN if either is NaN.
    @inlinable
    @inline(__always)
    internal static func maximum(_ a: Floats, _ b: Floats) -> Floats {
        I.select(I.notEqual(a, a), a, I.maximum(a, b))
    }

    /// The smaller; NaN if either is NaN.
    @inlinable
    @inline(__always)
    internal static func minimum(_ a: Floats, _ b: Floats) -> Floats {
        I.select(I.notEqual(a, a), a, I.minimum(a, b))
    }
}
