import Foundation
import TernGraph
import TernONNX
import TernRuntime
import TernTensor

/// What plans cost: a step of a plan, and a call whose shapes have not been seen before.
///
///     PlanBenchmark dispatch
///     PlanBenchmark compile MODEL INPUTS AXIS SIZES
///     PlanBenchmark shapes MODEL INPUTS AXIS SIZES    as in: minilm 0,1,2 1 1...128
@main
struct PlanBenchmark {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "dispatch" where arguments.count == 1: try Dispatch.measure()
        case "shapes" where arguments.count == 5:
            for inBackground in [false, true] {
                try NewShapes(arguments.dropFirst()).measure(inBackground: inBackground)
            }
        case "compile" where arguments.count == 5:
            try NewShapes(arguments.dropFirst()).measureCompilation()
        default:
            print("PlanBenchmark dispatch | compile|shapes MODEL INPUTS AXIS FIRST...LAST")
            exit(64)
        }
    }
}
