/// What follows the matrix products in a step of an LSTM or GRU, over one row of hidden elements.
///
/// The fused kernels take sigmoid and tanh, ONNX's default activations, and read and write each gate
/// once; others are put together from `cell` and `blend`. Everything that enters an activation is bounded
/// to ±clip; infinite for none. Scalar twins: in `RecurrentTests`.
@usableFromInline
internal enum RecurrentCellKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>

    /// A whole LSTM cell: c = f·c + i·c̃, h = o·tanh(c).
    ///
    /// `gates` holds the sums of i, o, f and c̃, `count` each. They stay as they are.
    @inlinable
    @inline(__always)
    internal static func lstm(
        _ gates: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ clip: Float
    ) {
        let upper = I.broadcast(clip)
        let lower = I.broadcast(-clip)
        unsafe forEachRegister(count) { i, load, store in
            let input = unsafe Math.sigmoid(bounded(load(gates + i), lower, upper))
            let forget = unsafe Math.sigmoid(bounded(load(gates + (2 &* count &+ i)), lower, upper))
            let candidate = unsafe Math.hyperbolicTangent(
                bounded(load(gates + (3 &* count &+ i)), lower, upper)
            )
            let kept = unsafe I.multiply(forget, load(c + i))
            let state = I.multiplyAdd(kept, input, candidate)
            unsafe store(state, c + i)
            let gate = unsafe Math.sigmoid(bounded(load(gates + (count &+ i)), lower, upper))
            unsafe store(I.multiply(gate, Math.hyperbolicTangent(state)), output + i)
        }
    }

    /// The gates z and r of a GRU: σ(inputs + recurrent), written over those of `recurrent`.
    ///
    /// Then r·hidden goes to `reset`, or, if that is `nil`, r times the third part of `recurrent` to
    /// its place.
    @inlinable
    @inline(__always)
    internal static func gruGates(
        _ inputs: UnsafePointer<Float>,
        _ recurrent: UnsafeMutablePointer<Float>,
        _ hidden: UnsafePointer<Float>,
        _ reset: UnsafeMutablePointer<Float>?,
        _ count: Int,
        _ clip: Float
    ) {
        let upper = I.broadcast(clip)
        let lower = I.broadcast(-clip)
        let candidate = unsafe recurrent + 2 &* count
        unsafe forEachRegister(count) { i, load, store in
            let z = unsafe I.add(load(inputs + i), load(recurrent + i))
            unsafe store(Math.sigmoid(bounded(z, lower, upper)), recurrent + i)
            let sum = unsafe I.add(load(inputs + (count &+ i)), load(recurrent + (count &+ i)))
            let r = Math.sigmoid(bounded(sum, lower, upper))
            unsafe store(r, recurrent + (count &+ i))
            if let reset = unsafe reset {
                unsafe store(I.multiply(r, load(hidden + i)), reset + i)
            } else {
                unsafe store(I.multiply(r, load(candidate + i)), candidate + i)
            }
        }
    }

    /// The state of a GRU: (1 - z)·h̃ + z·hidden with h̃ = tanh(inputs + recurrent) of the third parts.
    ///
    /// `output` may be `hidden`.
    @inlinable
    @inline(__always)
    internal static func gruOutput(
        _ inputs: UnsafePointer<Float>,
        _ recurrent: UnsafePointer<Float>,
        _ hidden: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ clip: Float
    ) {
        let upper = I.broadcast(clip)
        let lower = I.broadcast(-clip)
        let third = 2 &* count
        unsafe forEachRegister(count) { i, load, store in
            let sum = unsafe I.add(load(inputs + (third &+ i)), load(recurrent + (third &+ i)))
            let candidate = Math.hyperbolicTangent(bounded(sum, lower, upper))
            let blended = unsafe blended(load(recurrent + i), candidate, load(hidden + i))
            unsafe store(blended, output + i)
        }
    }

    /// c[i] = forget[i]·c[i] + input[i]·candidate[i], the state of an LSTM cell.
    @inlinable
    @inline(__always)
    internal static func cell(
        _ input: UnsafePointer<Float>,
        _ forget: UnsafePointer<Float>,
        _ candidate: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        unsafe forEachRegister(count) { i, load, store in
            let kept = unsafe I.multiply(load(forget + i), load(c + i))
            unsafe store(I.multiplyAdd(kept, load(input + i), load(candidate + i)), c + i)
        }
    }

    /// y[i] = (1 - z[i])·candidate[i] + z[i]·h[i], the state of a GRU cell; `y` may be `h`.
    @inlinable
    @inline(__always)
    internal static func blend(
        _ z: UnsafePointer<Float>,
        _ candidate: UnsafePointer<Float>,
        _ h: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        unsafe forEachRegister(count) { i, load, store in
            unsafe store(blended(load(z + i), load(candidate + i), load(h + i)), y + i)
        }
    }

    @inlinable
    @inline(__always)
    internal static func blended(
        _ z: I.Floats,
        _ candidate: I.Floats,
        _ h: I.Floats
    ) -> I.Floats {
        I.multiplyAdd(I.multiply(I.subtract(I.broadcast(Float(1)), z), candidate), z, h)
    }

    /// A NaN passes.
    @inlinable
    @inline(__always)
    internal static func bounded(
        _ x: I.Floats,
        _ lower: I.Floats,
        _ upper: I.Floats
    ) -> I.Floats { I.minimum(upper, I.maximum(lower, x)) }

    /// Calls `body` with each register's first index, and with what loads and stores its lanes.
    @inlinable
    @inline(__always)
    internal static func forEachRegister(
        _ count: Int,
        _ body: (
            Int,
            (UnsafePointer<Float>) -> I.Floats,
            (I.Floats, UnsafeMutablePointer<Float>) -> Void
        ) -> Void
    ) {
        var i = 0
        while count &- i >= I.laneCount {
            unsafe body(i, { unsafe I.load($0) }, { unsafe I.store($0, $1) })
            i &+= I.laneCount
        }
        let rest = count &- i
        if rest > 0 {
            unsafe body(
                i,
                { unsafe I.load($0, count: rest) },
                { unsafe I.store($0, $1, count: rest) }
            )
        }
    }
}
