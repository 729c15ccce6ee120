import TernGraph
import Testing

@testable import TernRuntime

@Suite struct PreparedWeightsTests {
    @Test func `what is made is made once for each source and variant`() throws {
        let prepared = PreparedWeights()
        var count = 0
        for (node, variant) in [(1, "a"), (1, "a"), (1, "b"), (2, "a"), (2, "a")] {
            let text = try prepared.value(of: .attributes(node), variant: variant) {
                () throws(OperatorError) in
                count += 1
                return "\(node)\(variant)"
            }
            #expect(text == "\(node)\(variant)")
        }
        #expect(count == 3)
    }

    @Test(arguments: [nil, 7])
    func `an optional is made as well, and kept even if it holds nothing`(_ value: Int?) throws {
        let prepared = PreparedWeights()
        var count = 0
        for _ in 0..<2 {
            let found = try prepared.value(of: .attributes(1), variant: "optional") {
                () throws(OperatorError) -> Int? in
                count += 1
                return value
            }
            #expect(found == value)
        }
        #expect(count == 1)
    }
}
