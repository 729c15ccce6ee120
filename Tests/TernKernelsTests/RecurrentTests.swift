import Glibc
import TernKernels
import TernMicrokernels
import Testing

@Suite(.takingTurns) struct RecurrentTests {
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    @Test(arguments: contexts)
    func `an LSTM step agrees with ONNX's equations`(_ context: KernelContext) {
        var numbers = Numbers(seed: 91)
        for (batch, hidden) in [(1, 1), (2, 5), (3, 37), (1, 128)] {
            for variant in 0..<4 {
                let gates = numbers.floats(batch * 4 * hidden, in: -4...4)
                let state = numbers.floats(batch * hidden)
                let weights = numbers.floats(3 * hidden)
                let clip: Float = variant == 2 ? 1.5 : .infinity
                let g = Guarded(gates)
                let c = Guarded(state)
                let p = Guarded(weights)
                let stride = hidden + 3
                let h = Guarded<Float>(repeating: 9, count: (batch - 1) * stride + hidden)
                unsafe Recurrent.lstmStep(
                    gates: g.pointer,
                    cell: c.pointer,
                    output: h.pointer,
                    outputRowStride: stride,
                    batchCount: batch,
                    hiddenCount: hidden,
                    peepholes: variant == 1 ? p.read : nil,
                    clip: clip,
                    couplesForget: variant == 3,
                    context: context
                )
                func clipped(_ x: Double) -> Double {
                    Swift.max(-Double(clip), Swift.min(Double(clip), x))
                }
                for b in 0..<batch {
                    for j in 0..<hidden {
                        let old = Double(state[b * hidden + j])
                        func gate(_ index: Int) -> Double {
                            Double(gates[(b * 4 + index) * hidden + j])
                        }
                        func peephole(_ index: Int, _ c: Double) -> Double {
                            variant == 1 ? Double(weights[index * hidden + j]) * c : 0
                        }
                        let i = sigmoid(clipped(gate(0) + peephole(0, old)))
                        let f = variant == 3 ? 1 - i : sigmoid(clipped(gate(2) + peephole(2, old)))
                        let new = f * old + i * tanh(clipped(gate(3)))
                        let o = sigmoid(clipped(gate(1) + peephole(1, new)))
                        #expect(abs(Double(c[b * hidden + j]) - new) < 1e-6)
                        #expect(abs(Double(h[b * stride + j]) - o * tanh(new)) < 1e-6)
                    }
                    if b + 1 < batch { #expect(h[b * stride + hidden] == 9) }
                }
            }
        }
    }

    @Test(arguments: contexts)
    func `a GRU step agrees with ONNX's equations in both forms`(_ context: KernelContext) {
        var numbers = Numbers(seed: 92)
        for (batch, hidden) in [(1, 1), (2, 5), (3, 37)] {
            let x = Guarded(numbers.floats(batch * 3 * hidden, in: -3...3))
            let recurrent = numbers.floats(batch * 3 * hidden, in: -3...3)
            let h = Guarded(numbers.floats(batch * hidden))
            let old = h.values
            // With linear_before_reset the candidate's term is r ∘ (the third part).
            let r = Guarded(recurrent)
            let y = Guarded<Float>(repeating: 0, count: batch * hidden)
            unsafe Recurrent.gruGates(
                inputs: x.read,
                recurrent: r.pointer,
                hidden: h.read,
                hiddenRowStride: hidden,
                reset: nil,
                batchCount: batch,
                hiddenCount: hidden,
                context: context
            )
            unsafe Recurrent.gruOutput(
                inputs: x.read,
                recurrent: r.pointer,
                hidden: h.read,
                hiddenRowStride: hidden,
                output: y.pointer,
                outputRowStride: hidden,
                batchCount: batch,
                hiddenCount: hidden,
                context: context
            )
            // Without, r ∘ H leaves for a product, which here is the identity.
            let s = Guarded(recurrent)
            let reset = Guarded<Float>(repeating: 0, count: batch * hidden)
            unsafe Recurrent.gruGates(
                inputs: x.read,
                recurrent: s.pointer,
                hidden: h.read,
                hiddenRowStride: hidden,
                reset: reset.pointer,
                batchCount: batch,
                hiddenCount: hidden,
                context: context
            )
            for b in 0..<batch {
                for j in 0..<hidden { s[(b * 3 + 2) * hidden + j] = reset[b * hidden + j] }
            }
            unsafe Recurrent.gruOutput(
                inputs: x.read,
                recurrent: s.pointer,
                hidden: h.read,
                hiddenRowStride: hidden,
                output: h.pointer,
                outputRowStride: hidden,
                batchCount: batch,
                hiddenCount: hidden,
                context: context
            )
            for b in 0..<batch {
                for j in 0..<hidden {
                    func part(_ index: Int) -> (Double, Double) {
                        let at = (b * 3 + index) * hidden + j
                        return (Double(x[at]), Double(recurrent[at]))
                    }
                    let z = sigmoid(part(0).0 + part(0).1)
                    let gate = sigmoid(part(1).0 + part(1).1)
                    let state = Double(old[b * hidden + j])
                    let linear = tanh(part(2).0 + gate * part(2).1)
                    let plain = tanh(part(2).0 + gate * state)
                    #expect(abs(Double(y[b * hidden + j]) - ((1 - z) * linear + z * state)) < 1e-6)
                    #expect(abs(Double(h[b * hidden + j]) - ((1 - z) * plain + z * state)) < 1e-6)
                }
            }
        }
    }

    @Test func `a plain step clips, then activates`() {
        let x = Guarded<Float>([-5, 0.5, 5])
        let y = Guarded<Float>(repeating: 0, count: 3)
        for context in contexts {
            unsafe Recurrent.rnnStep(
                sums: x.read,
                output: y.pointer,
                outputRowStride: 3,
                batchCount: 1,
                hiddenCount: 3,
                clip: 2,
                context: context
            )
            for (value, exact) in zip(y.values, [-2.0, 0.5, 2]) {
                #expect(abs(Double(value) - tanh(exact)) < 1e-6)
            }
        }
    }
}
