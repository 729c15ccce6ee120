import Foundation
import TernKernels
import TernMicrokernels

/// Writes the lines of `tern kernels bench`.
struct BenchmarkReport {
    let context: KernelContext
    let threadCount: Int
    let json: Bool

    /// One product, as a line of JSON.
    private struct Line: Encodable {
        let shape: String
        let type: String
        let instructionSet: String
        let threads: Int
        let medianNanoseconds: Double
        let smallestNanoseconds: Double
        let largestNanoseconds: Double
        let gigaoperationsPerSecond: Double
        let peakGigaoperationsPerSecond: Double
        let gigabytesPerSecond: Double
    }

    /// Writes what stands above the lines.
    func begin() {
        guard !json else { return }
        writeLine(
            "\(context.table.name) kernels, \(threadCount) "
                + "\(threadCount == 1 ? "thread" : "threads"), load average \(loadAverage())"
        )
        writeLine("")
        writeLine(
            "shape".padding(to: 18) + "µs".padding(to: 30) + "GFLOP/s".leftPadding(to: 8)
                + "of peak".leftPadding(to: 9) + "GB/s".leftPadding(to: 8)
        )
    }

    /// Writes the line of one product.
    func add(_ shape: ProductShape, _ timing: BenchmarkTiming, peakOperationsPerNanosecond: Double)
    {
        let rate = shape.operationCount / timing.median
        let peak = peakOperationsPerNanosecond * Double(threadCount)
        let bandwidth = Double(shape.depth * shape.columnCount * 4) / timing.median
        guard !json else {
            write(
                Line(
                    shape: shape.description,
                    type: "f32",
                    instructionSet: context.table.name.description,
                    threads: threadCount,
                    medianNanoseconds: timing.median,
                    smallestNanoseconds: timing.smallest,
                    largestNanoseconds: timing.largest,
                    gigaoperationsPerSecond: rate,
                    peakGigaoperationsPerSecond: peak,
                    gigabytesPerSecond: bandwidth
                )
            )
            return
        }
        let spread =
            "\(decimal(timing.median / 1000, 2)) (\(decimal(timing.smallest / 1000, 2))–"
            + "\(decimal(timing.largest / 1000, 2)))"
        writeLine(
            shape.description.padding(to: 18) + spread.padding(to: 30)
                + decimal(rate, 1).leftPadding(to: 8)
                + (decimal(100 * rate / peak, 1) + " %").leftPadding(to: 9)
                + decimal(bandwidth, 1).leftPadding(to: 8) + "  " + shape.origin
        )
    }

    private func write(_ line: Line) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(line) else { return }
        writeLine(String(decoding: data, as: UTF8.self))
    }

    private func decimal(_ value: Double, _ digits: Int) -> String {
        value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
    }

    private func loadAverage() -> String {
        var loads = [Double](repeating: 0, count: 3)
        guard unsafe getloadavg(&loads, 3) == 3 else { return "unknown" }
        return loads.map { decimal($0, 2) }.joined(separator: " ")
    }
}
