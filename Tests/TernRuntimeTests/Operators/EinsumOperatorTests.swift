import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct EinsumOperatorTests {
    private func einsum(_ equation: String) -> OperatorRunner {
        OperatorRunner("Einsum", version: 12, ["equation": .string(Array(equation.utf8))])
    }

    private let a = f([1, 2, 3, 4, 5, 6], [2, 3])
    private let b3 = f([1, 0, 2, 1, 0, 1], [3, 2])

    @Test func `products of matrices come out in any order of axes`() throws {
        #expect(try einsum("ij,jk->ik").floats(a, b3) == [5, 5, 14, 11])
        #expect(try einsum("ij,jk->ki").floats(a, b3) == [5, 14, 5, 11])
        #expect(try einsum(" i j , j k ").floats(a, b3) == [5, 5, 14, 11])
        let batch = f(noise(12), [2, 2, 3])
        #expect(try einsum("...ij,jk->...ik").shape(batch, b3) == [2, 2, 2])
        #expect(try einsum("bij,bkj->bik").shape(batch, batch) == [2, 2, 2])
    }

    @Test func `one input is summed, transposed or read along its diagonal`() throws {
        #expect(try einsum("ij->").floats(a) == [21])
        #expect(try einsum("ij->i").floats(a) == [6, 15])
        #expect(try einsum("ij->ji").floats(a) == [1, 4, 2, 5, 3, 6])
        #expect(try einsum("ii->i").floats(f([1, 2, 3, 4], [2, 2])) == [1, 4])
        #expect(try einsum("ba").shape(a) == [3, 2])
    }

    @Test func `three inputs, whole numbers, doubles and halves`() throws {
        let v: [Int32] = [1, 2]
        let x = t(.int32, v)
        #expect(try einsum("i,j,k->ijk").integers(x, x, x) == [1, 2, 2, 4, 2, 4, 4, 8])
        #expect(try einsum("i,i->").integers(x, x) == [5])
        let d = t(.fp64, [1, 2] as [Double])
        #expect(try einsum("i,i->")(d, d)[0].elements(as: Double.self) == [5])
        let h = t(.fp16, halves([1, 2]))
        #expect(try einsum("i,i->")(h, h)[0].elements(as: UInt16.self) == halves([5]))
    }

    @Test func `what is no equation for the inputs is refused`() {
        #expect(einsum("ij,jk->ik").refusal(a).contains("for 2 inputs"))
        #expect(einsum("ijk->i").refusal(a).contains("names 3 axes"))
        #expect(einsum("ij->ii").refusal(a).contains("twice"))
        #expect(einsum("ij->k").refusal(a).contains("no input has"))
        #expect(einsum("i1->i").refusal(a).contains("is not an equation"))
        #expect(einsum("ij,ij->ij").refusal(a, b3).contains("cannot be broadcast"))
    }
}
