import TernTensor
import Testing

@testable import TernGraph

private let batch = Dimension.symbolic("batch")
private let height = Dimension.symbolic("height")

@Suite struct DimensionArithmeticTests {
    @Test func `numbers are computed`() {
        #expect(Dimension.fixed(2) + .fixed(3) == .fixed(5))
        #expect(Dimension.fixed(2) - .fixed(3) == .fixed(-1))
        #expect(Dimension.fixed(2) * .fixed(3) == .fixed(6))
        #expect(Dimension.fixed(7).dividedRoundingDown(by: 2) == .fixed(3))
        #expect(Dimension.fixed(-7).dividedRoundingDown(by: 2) == .fixed(-4))
        #expect(Dimension.fixed(7).dividedRoundingUp(by: 2) == .fixed(4))
        #expect(Dimension.fixed(-7).dividedRoundingUp(by: 2) == .fixed(-3))
        #expect(Dimension.fixed(6).dividedRoundingUp(by: 2) == .fixed(3))
    }

    @Test func `numbers that overflow are unknown`() {
        #expect(Dimension.fixed(.max) + .fixed(1) == .unknown)
        #expect(Dimension.fixed(.min) - .fixed(1) == .unknown)
        #expect(Dimension.fixed(.max) * .fixed(2) == .unknown)
        #expect(Dimension.fixed(0) - .fixed(.min) == .unknown)
    }

    @Test func `unknown stays unknown`() {
        for other in [.fixed(1), batch, .unknown] as [Dimension] {
            #expect(other + .unknown == .unknown)
            #expect(Dimension.unknown - other == .unknown)
            #expect(other * .unknown == .unknown)
        }
        #expect(Dimension.unknown.dividedRoundingDown(by: 3) == .unknown)
        #expect(Dimension.unknown.dividedExactly(by: .fixed(2)) == .unknown)
    }

    @Test func `offsets add up and vanish`() {
        #expect(height + .fixed(2) == .symbolic("(height+2)"))
        #expect((height + .fixed(2)) - .fixed(3) == .symbolic("(height-1)"))
        #expect((height + .fixed(2)) - .fixed(2) == height)
        #expect(height - height == .fixed(0))
        #expect((height + .fixed(5)) - (height - .fixed(1)) == .fixed(6))
        #expect(.fixed(1) + height == height + .fixed(1))
    }

    @Test func `sums have one name whatever the order`() {
        #expect(batch + height == height + batch)
        #expect(batch - height != height - batch)
    }

    @Test func `factors are ordered and cancel`() {
        #expect(batch * height == height * batch)
        #expect(batch * .fixed(1) == batch)
        #expect(batch * .fixed(0) == .fixed(0))
        #expect(.fixed(2) * batch * .fixed(3) == .symbolic("6*batch"))
        #expect(
            (batch * height * .fixed(6)).dividedExactly(by: height * .fixed(2))
                == .symbolic("3*batch")
        )
        #expect((batch * height).dividedExactly(by: batch * height) == .fixed(1))
        let wide = height + .fixed(1)
        #expect((wide * batch).dividedExactly(by: wide) == batch)
    }

    @Test func `exact division says whether it can be shown`() {
        #expect(Dimension.fixed(6).dividedExactly(by: .fixed(4)) == nil)
        #expect(Dimension.fixed(6).dividedExactly(by: .fixed(0)) == nil)
        #expect(Dimension.fixed(0).dividedExactly(by: batch) == .fixed(0))
        // 3*batch may well be even.
        #expect((batch * .fixed(3)).dividedExactly(by: .fixed(2)) == .unknown)
        #expect(batch.dividedExactly(by: height) == .unknown)
        #expect(Dimension.fixed(6).dividedExactly(by: batch) == .unknown)
    }

    @Test func `rounded division of names is named`() {
        #expect(height.dividedRoundingDown(by: 1) == height)
        #expect((height * .fixed(4)).dividedRoundingDown(by: 2) == .symbolic("2*height"))
        #expect(height.dividedRoundingDown(by: 2) == .symbolic("floor(height/2)"))
        #expect(height.dividedRoundingUp(by: 2) == .symbolic("ceil(height/2)"))
    }

    @Test func `names that get long become unknown`() {
        var size = height
        for _ in 0..<100 { size = (size + batch).dividedRoundingDown(by: 2) }
        #expect(size == .unknown)
    }

    @Test(arguments: ["*", "a*", "past_sequence_length + 1", "(a+b)", "a-", "a-1", "日本"])
    func `names from files can be offset and back`(_ name: String) {
        let size = Dimension.symbolic(name)
        #expect(((size + .fixed(2)) - .fixed(2)).isKnownEqual(to: size))
        #expect(((size - .fixed(2)) + .fixed(2)).isKnownEqual(to: size))
    }

    @Test(arguments: [
        "", "(", ")(", "()", "(+)", "(+1)", "**", "(a+99999999999999999999)", "((a+1)",
    ])
    func `names that look like half an expression do no harm`(_ name: String) {
        let size = Dimension.symbolic(name)
        for operand in [size, .fixed(2), .fixed(0), batch] {
            _ = (size + operand, size - operand, operand - size, size * operand)
            _ = size.dividedExactly(by: operand)
            _ = operand.dividedExactly(by: size)
        }
        _ = (size.dividedRoundingDown(by: 3), size.dividedRoundingUp(by: 3))
    }

    @Test func `known equal and known different leave the rest open`() {
        #expect(batch.isKnownEqual(to: batch) && !batch.isKnownEqual(to: height))
        #expect(!Dimension.unknown.isKnownEqual(to: .unknown))
        #expect(Dimension.fixed(1).isKnownDifferent(from: .fixed(2)))
        #expect(!Dimension.fixed(1).isKnownDifferent(from: batch))
        #expect(!batch.isKnownDifferent(from: height))
    }
}
