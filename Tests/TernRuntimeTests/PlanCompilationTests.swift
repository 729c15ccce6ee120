import Foundation
import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct PlanCompilationTests {
    /// y = softmax(reshape(x, [-1, 2]) · w), which has shape arithmetic, views, weights and a chain.
    private func model(
        planCountLimit: Int = 64
    ) throws -> (model: CompiledModel, counters: PlanCounters) {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(4)])
        maker.weight("w", .floats([1, -1, 0.5, 2, 3, 0.25], [2, 3]))
        maker.weight("two", .integers([2], [1]))
        maker.weight("rest", .integers([-1], [1]))
        maker.node("Concat", ["rest", "two"], ["sizes"], ["axis": .int(0)])
        maker.node("Reshape", ["x", "sizes"], ["pairs"])
        maker.node("MatMul", ["pairs", "w"], ["products"])
        maker.node("Neg", ["products"], ["negative"])
        maker.node("Add", ["products", "negative"], ["zero"])
        maker.node("Add", ["zero", "products"], ["again"])
        maker.node("Softmax", ["again"], ["y"], ["axis": .int(-1)])
        maker.node("Shape", ["products"], ["shape"])
        maker.output("y")
        maker.output("shape")
        var options = CompiledModel.Options(planCountLimit: planCountLimit)
        options.counters = PlanCounters()
        return (try CompiledModel(maker.graph, options: options), options.counters)
    }

    private func input(_ count: Int) -> Tensor {
        .floats((0..<(count * 4)).map { Float($0 % 7) - 3 }, [count, 4])
    }

    private func bytes(_ tensor: Tensor) -> [UInt8] {
        unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Waits for the lane, which has the lowest priority on a machine that may be busy.
    private func wait(until condition: () -> Bool) {
        for _ in 0..<20_000 where !condition() { usleep(1_000) }
        #expect(condition())
    }

    @Test func `shapes without a plan are answered at once, with the bits the plan gives`() throws {
        let (model, counters) = try model()
        let compiled = counters.compilationCount
        for count in [2, 5, 16, 0] {
            let session = Session(model, compilation: .inBackground)
            let first = try session([input(count)])
            wait { model.foundPlan(for: [[count, 4]]) != nil }
            let second = try session([input(count)])
            let waiting = try Session(try self.model().model)([input(count)])
            for (index, answer) in waiting.enumerated() {
                for other in [first[index], second[index]] {
                    #expect(other.shape == answer.shape)
                    #expect(bytes(other) == bytes(answer))
                }
            }
        }
        #expect(counters.compilationCount == compiled + 4)
        #expect(counters.missCount == 4)
        #expect(counters.hitCount == 4)
        #expect(counters.compilationNanoseconds > 0)
    }

    @Test func `a signature is compiled once, however many ask at the same time`() throws {
        let (model, counters) = try model()
        let compiled = counters.compilationCount
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            let session = Session(model, compilation: .inBackground)
            for _ in 0..<20 {
                for count in 2..<6 {
                    let answers = try? session([input(count)])
                    #expect(answers?[0].shape == [2 * count, 3])
                }
            }
        }
        wait { (2..<6).allSatisfy { model.foundPlan(for: [[$0, 4]]) != nil } }
        #expect(counters.compilationCount == compiled + 4)
        #expect(counters.hitCount + counters.missCount == 8 * 20 * 4)
    }

    @Test func `the cache is bounded, and says what it gave up`() throws {
        let (model, counters) = try model(planCountLimit: 2)
        let session = Session(model, compilation: .inBackground)
        for count in 2..<8 {
            _ = try session([input(count)])
            wait { model.foundPlan(for: [[count, 4]]) != nil }
        }
        // The one for a single row was made when the weights were packed.
        #expect(counters.evictionCount == 5)
        #expect(model.foundPlan(for: [[6, 4]]) != nil)
        #expect(model.foundPlan(for: [[5, 4]]) == nil)
    }

    @Test func `shapes that do not fit fail at once and are not compiled`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n")])
        maker.input("y", [.symbolic("m")])
        maker.node("Add", ["x", "y"], ["z"])
        maker.output("z")
        var options = CompiledModel.Options()
        options.counters = PlanCounters()
        let model = try CompiledModel(maker.graph, options: options)
        let compiled = options.counters.compilationCount
        let session = Session(model, compilation: .inBackground)
        #expect(throws: RuntimeError.self) { try session([.floats([1, 2]), .floats([1, 2, 3])]) }
        #expect(try session([.floats([1, 2]), .floats([3, 4])])[0].floats == [4, 6])
        wait { model.foundPlan(for: [[2], [2]]) != nil }
        #expect(options.counters.compilationCount == compiled + 1)
    }

    @Test func `a call without a plan stops when it is told to`() throws {
        let (model, _) = try model()
        let session = Session(model, compilation: .inBackground)
        let interruption = Interruption()
        interruption.request()
        try session.bindInput(0, input(3))
        #expect(throws: RuntimeError.interrupted) { try session.run(unless: interruption) }
        #expect(model.foundPlan(for: [[3, 4]]) == nil)
    }

    @Test func `a call without a plan holds no more than its limit`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n")])
        var last = "x"
        for index in 0..<64 {
            maker.node(index % 2 == 0 ? "Neg" : "Abs", [last], ["v\(index)"])
            last = "v\(index)"
        }
        maker.output(last)
        // Room for a few of the 64 values, of 64 kB each.
        let model = try CompiledModel(
            maker.graph,
            options: CompiledModel.Options(memoryByteCountLimit: 300_000)
        )
        let session = Session(model, compilation: .inBackground)
        let answer = try session([.floats([Float](repeating: -2, count: 16_384))])
        #expect(answer[0].floats.allSatisfy { $0 == 2 })
        #expect(throws: RuntimeError.self) {
            try session([.floats([Float](repeating: -2, count: 163_840))])
        }
    }

    @Test func `a claim is granted once, and again after it was given up`() throws {
        let (model, _) = try model()
        var cache = PlanCache(limit: 1)
        guard case .granted = cache.claim([[2, 4]]) else {
            Issue.record("nobody else had claimed it")
            return
        }
        guard case .needless = cache.claim([[2, 4]]) else {
            Issue.record("two may not compile the same plan")
            return
        }
        cache.giveUp([[2, 4]])
        guard case .granted = cache.claim([[2, 4]]) else {
            Issue.record("it was given up")
            return
        }
        #expect(cache.insert(try model.plan(for: [[2, 4]])) == 0)
        guard case .needless = cache.claim([[2, 4]]) else {
            Issue.record("it is there")
            return
        }
        #expect(cache.insert(try model.plan(for: [[3, 4]])) == 1)
        #expect(cache.find([[2, 4]]) == nil)
    }

    @Test func `a lane takes so many jobs and no more, and does each once`() {
        let lane = PlanLane()
        let gate = DispatchSemaphore(value: 0)
        let began = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        let blocks = lane.enqueue {
            began.signal()
            gate.wait()
        }
        #expect(blocks)
        began.wait()
        for _ in 0..<PlanLane.waitingLimit { #expect(lane.enqueue { done.signal() }) }
        #expect(!lane.enqueue { done.signal() })
        gate.signal()
        for _ in 0..<PlanLane.waitingLimit { done.wait() }
        #expect(done.wait(timeout: .now() + 0.01) == .timedOut)
    }
}
