import Foundation
import TernGraph
import TernRuntime

/// Where the time of a model's calls goes, node by node.
struct Profile {
    /// What one step took.
    struct Step {
        let operatorName: String
        let node: String
        let operationCount: Double
        let byteCount: Int
        /// In each call, in their order.
        var nanoseconds: [Double] = []
        /// When it began and how long it took in the last call, from the call's beginning.
        var last: (start: Double, nanoseconds: Double) = (0, 0)

        var median: Double { nanoseconds.sorted()[nanoseconds.count / 2] }
    }

    private(set) var steps: [Step] = []
    /// The memory that a call's values and kernels use, and the least that any layout of them needs.
    private(set) var memory: (arenaByteCount: Int, liveByteCount: Int) = (0, 0)
    private let callCount: Int
    private let modelName: String

    /// Makes calls with the inputs that are bound, after a tenth as many that aren't counted.
    init(of local: LocalModel, callCount: Int) throws {
        self.callCount = callCount
        modelName = local.path
        for _ in 0..<max(3, callCount / 10) { try local.call() }
        for call in 0..<callCount {
            var index = 0
            var origin: ContinuousClock.Instant?
            try local.call { plan, step, range in
                if call == 0 { steps.append(Self.step(step, of: plan)) }
                memory = (plan.arenaByteCount, plan.liveByteCount)
                let first = origin ?? range.lowerBound
                origin = first
                let duration = (range.upperBound - range.lowerBound).nanoseconds
                steps[index].nanoseconds.append(duration)
                steps[index].last = ((range.lowerBound - first).nanoseconds, duration)
                index += 1
            }
        }
    }

    private static func step(
        _ step: ExecutionPlan.Step?,
        of plan: ExecutionPlan
    ) -> Step {
        guard let step else {
            return Step(
                operatorName: "(depends on data)",
                node: "\(plan.dynamicNodes.count) nodes",
                operationCount: 0,
                byteCount: 0
            )
        }
        let node = plan.graph.nodes[step.nodeIndex]
        let operands = step.firstPlace..<(step.firstPlace + step.inputCount + step.outputCount)
        return Step(
            operatorName: node.qualifiedOperatorName,
            node: GraphLocation.describe(node, at: step.nodeIndex),
            operationCount: step.operationCount,
            byteCount: plan.places[operands].reduce(0) { $0 + $1.byteCount }
        )
    }

    /// The profile as text: by operator, then the nodes that take the most.
    var lines: [String] {
        let medians = steps.map(\.median)
        let total = medians.reduce(0, +)
        var lines = [
            "\(steps.count) steps, \(microseconds(total)) µs (medians of \(callCount) calls)",
            memoryLine, "",
            "     µs   share  nodes  operator",
        ]
        var byOperator: [String: (nanoseconds: Double, count: Int)] = [:]
        for (step, median) in zip(steps, medians) {
            let sum = byOperator[step.operatorName] ?? (0, 0)
            byOperator[step.operatorName] = (sum.nanoseconds + median, sum.count + 1)
        }
        for (name, sum) in byOperator.sorted(by: { $0.value.nanoseconds > $1.value.nanoseconds }) {
            lines.append(
                microseconds(sum.nanoseconds).leftPadding(to: 7)
                    + percent(sum.nanoseconds, total)
                    + String(sum.count).leftPadding(to: 7) + "  \(name)"
            )
        }
        lines += ["", "     µs   share  GFLOP/s    GB/s  node"]
        let order = steps.indices.sorted { medians[$0] > medians[$1] }
        for index in order.prefix(40) {
            let (step, median) = (steps[index], medians[index])
            let rate =
                step.operationCount > 0
                ? String(format: "%.1f", step.operationCount / median) : ""
            let bandwidth =
                step.byteCount > 0 ? String(format: "%.1f", Double(step.byteCount) / median) : ""
            lines.append(
                microseconds(median).leftPadding(to: 7) + percent(median, total)
                    + rate.leftPadding(to: 9) + bandwidth.leftPadding(to: 8)
                    + "  \(step.operatorName) \(step.node)"
            )
        }
        if order.count > 40 { lines.append("        and \(order.count - 40) more") }
        return lines
    }

    private var memoryLine: String {
        let (arena, live) = memory
        guard live > 0 else { return "\(arena) bytes of working memory" }
        let ratio = String(format: "%.2f", Double(arena) / Double(live))
        return "\(arena) bytes of working memory, \(ratio) of the \(live) needed at one time"
    }

    /// The memory as a JSON object.
    var memoryJSON: String {
        "{\"arenaBytes\":\(memory.arenaByteCount),\"liveBytes\":\(memory.liveByteCount),"
            + "\"steps\":\(steps.count)}"
    }

    private func microseconds(_ nanoseconds: Double) -> String {
        String(format: "%.1f", nanoseconds / 1000)
    }

    private func percent(_ part: Double, _ total: Double) -> String {
        String(format: "%6.1f %%", total > 0 ? 100 * part / total : 0)
    }

    /// One event of the trace event format, which Perfetto and Chrome read.
    private struct Event: Encodable {
        let name: String
        let cat: String
        let ph = "X"
        let ts: Double
        let dur: Double
        let pid = 1
        let tid = 1
        let args: [String: String]
    }

    private struct Trace: Encodable {
        let traceEvents: [Event]
        let displayTimeUnit = "ns"
        let otherData: [String: String]
    }

    /// Writes the last call in the trace event format.
    ///
    /// - Throws: ``Failure`` if the file cannot be written.
    func writeTrace(to path: String) throws {
        let events = steps.map { step in
            Event(
                name: step.operatorName,
                cat: "node",
                ts: step.last.start / 1000,
                dur: step.last.nanoseconds / 1000,
                args: [
                    "node": step.node,
                    "operations": String(format: "%.0f", step.operationCount),
                    "bytes": String(step.byteCount),
                ]
            )
        }
        let trace = Trace(traceEvents: events, otherData: ["model": modelName])
        do {
            try JSONEncoder().encode(trace).write(to: URL(fileURLWithPath: path))
        } catch {
            throw Failure(.cannotCreate, "\(path): \(error.localizedDescription)")
        }
        writeLine("\(path): a trace of \(events.count) steps")
    }
}
