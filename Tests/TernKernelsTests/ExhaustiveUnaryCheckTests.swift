import TernKernels
import TernMicrokernels
import TernThreadPool
import Testing

@Suite(.takingTurns) struct ExhaustiveUnaryCheckTests {
    @Test(arguments: ExhaustiveUnaryCheck.functions)
    func `a sample of all floats is within the stated bound`(_ function: UnaryFunction) throws {
        for table in tables {
            let check = try #require(ExhaustiveUnaryCheck(function, table: table))
            // A prime step changes the mantissa's end from one exponent to the next.
            let result = check.check(0...UInt32.max, step: 104_729)
            #expect(result.count == 41011)
            #expect(
                check.passes(result),
                "\(table.name): f(\(result.worstArgument)) is \(result.worstError) off"
            )
        }
    }

    @Test func `parts of a check merge to the same result in any order`() throws {
        let check = try #require(ExhaustiveUnaryCheck(.exponential, table: tables[0]))
        let whole = check.check(0x3f00_0000...0x3f00_ffff)
        let parts = (0..<4).map { i in
            let first = 0x3f00_0000 + UInt32(i) << 14
            return check.check(first...first + 0x3fff)
        }
        for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
            var merged = ExhaustiveUnaryCheck.Result()
            for i in order { merged.merge(parts[i]) }
            #expect(merged == whole)
        }
        #expect(whole.count == 65536)
        #expect(whole.worstError > 0.4)
    }

    @Test func `a function without a stated bound has no check`() {
        #expect(ExhaustiveUnaryCheck(.relu, table: tables[0]) == nil)
        #expect(
            ExhaustiveUnaryCheck.functions.allSatisfy {
                ExhaustiveUnaryCheck($0, table: tables[0]) != nil
            }
        )
    }
}
