import Foundation
import TernKernels
import TernMicrokernels

/// Writes the lines of `tern kernels bench`.
struct BenchmarkReport {
    let context: KernelContext
    let threadCount: Int
    let json: Bool

    /// What is known of a work beside its time.
    struct Subject {
        let name: String
        let type: String
        /// A multiplication and an addition count as two; 0 if they are not what counts.
        var operationCount = 0.0
        /// The bytes that must be streamed.
        let byteCount: Double
        /// The elements of a function's argument; 0 if it isn't one.
        var elementCount = 0
        /// Where such a work comes from.
        var origin = ""
    }

    /// One work, as a line of JSON.
    private struct Line: Encodable {
        let name: String
        let type: String
        let instructionSet: String
        let threads: Int
        let medianNanoseconds: Double
        let meanNanoseconds: Double
        let smallestNanoseconds: Double
        let largestNanoseconds: Double
        let gigaoperationsPerSecond: Double
        let peakGigaoperationsPerSecond: Double
        let gigabytesPerSecond: Double
        /// What reading as much memory once can do; absent where arithmetic is what counts.
        let streamGigabytesPerSecond: Double?
    }

    /// Writes what stands above the lines.
    ///
    /// - Parameter streams: Where memory was read from, and how many GB/s.
    func begin(streams: [(name: String, gigabytesPerSecond: Double)]) {
        guard !json else { return }
        writeLine(
            "\(context.table.name) kernels, \(threadCount) "
                + "\(threadCount == 1 ? "thread" : "threads"), load average \(loadAverage())"
        )
        let rates = streams.map { "\(decimal($0.gigabytesPerSecond, 1)) from \($0.name)" }
        writeLine("reads at \(rates.joined(separator: ", ")) GB/s")
        writeLine("")
        writeLine(
            "".padding(to: 30) + "type".padding(to: 6) + "µs".padding(to: 30)
                + "Gop/s".leftPadding(to: 8) + "of peak".leftPadding(to: 9)
                + "GB/s".leftPadding(to: 8) + "of read".leftPadding(to: 9)
                + "ns/element".leftPadding(to: 12)
        )
    }

    /// Writes the line of one work.
    ///
    /// - Parameters:
    ///   - subject: What was timed.
    ///   - timing: What it took.
    ///   - peak: The operations that one thread does in a nanosecond at best.
    ///   - stream: The bytes that all threads read in a nanosecond at best from as much memory, if
    ///     that is what counts.
    func add(_ subject: Subject, _ timing: BenchmarkTiming, peak: Double, stream: Double? = nil) {
        let rate = subject.operationCount / timing.median
        let peak = peak * Double(threadCount)
        let bandwidth = subject.byteCount / timing.median
        let perElement = timing.median / Double(max(subject.elementCount, 1))
        guard !json else {
            write(
                Line(
                    name: subject.name,
                    type: subject.type,
                    instructionSet: context.table.name.description,
                    threads: threadCount,
                    medianNanoseconds: timing.median,
                    meanNanoseconds: timing.mean,
                    smallestNanoseconds: timing.smallest,
                    largestNanoseconds: timing.largest,
                    gigaoperationsPerSecond: rate,
                    peakGigaoperationsPerSecond: peak,
                    gigabytesPerSecond: bandwidth,
                    streamGigabytesPerSecond: stream
                )
            )
            return
        }
        let spread =
            "\(decimal(timing.median / 1000, 2)) (\(decimal(timing.smallest / 1000, 2))–"
            + "\(decimal(timing.largest / 1000, 2)))"
        let counts = subject.operationCount > 0
        writeLine(
            (subject.name.padding(to: 30) + subject.type.padding(to: 6) + spread.padding(to: 30)
                + (counts ? decimal(rate, 1) : "").leftPadding(to: 8)
                + (counts ? decimal(100 * rate / peak, 1) + " %" : "").leftPadding(to: 9)
                + decimal(bandwidth, 1).leftPadding(to: 8)
                + (stream.map { decimal(100 * bandwidth / $0, 1) + " %" } ?? "").leftPadding(to: 9)
                + (subject.elementCount > 0 ? decimal(perElement, 3) : "").leftPadding(to: 12)
                + "  " + subject.origin).trimmingTrailingBlanks()
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

extension String {
    fileprivate func trimmingTrailingBlanks() -> String {
        String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)])
    }
}
