import ArgumentParser
import TernKernels
import TernThreadPool

/// Times matrix products.
struct KernelsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Times kernels against the machine's arithmetic peak.",
        discussion: """
            The peak of one thread is measured in the same run, in turns with each kernel. A line \
            shows the median of several samples and, in brackets, the smallest and the largest. \
            GB/s is the rate at which the packed right-hand side of a product was read, or the \
            argument and result of a function were read and written. Without a --shape or \
            --function it times what inference really runs.

              tern kernels bench
              tern kernels bench --function gelu:128x3072
              tern kernels bench --shape 128x768x3072 --threads 2
              tern kernels bench --shape 1x384x384 --copies 8 --json
            """
    )

    @Option(
        help: """
            A product MxKxN: [M, K] times [K, N]. Can be given several times.
            """
    )
    var shape: [ProductShape] = []

    @Option(
        help: """
            A function NAME:ROWSxCOLUMNS, NAME one of \
            \(BenchmarkedFunction.allCases.map(\.rawValue).joined(separator: ", ")). Can be given \
            several times.
            """
    )
    var function: [FunctionCase] = []

    @Option(help: "The threads that may take part, 1 to 56.")
    var threads = 1

    @Option(help: "Samples of each product, 1 to 1000.")
    var samples = 15

    @Option(
        help: """
            Packed copies of the right-hand side that calls use in turn, as a model with so many \
            layers would; more than the caches hold shows the memory's speed.
            """
    )
    var copies = 1

    @Option(help: "Results that calls write in turn.")
    var results = 1

    @Flag(help: "Write one JSON object per product and line.")
    var json = false

    func validate() throws {
        guard 1...56 ~= threads else { throw ValidationError("--threads must be 1 to 56") }
        guard 1...1000 ~= samples else { throw ValidationError("--samples must be 1 to 1000") }
        guard 1...1000 ~= copies else { throw ValidationError("--copies must be 1 to 1000") }
        guard 1...1000 ~= results else { throw ValidationError("--results must be 1 to 1000") }
    }

    func run() async throws {
        let takesAll = shape.isEmpty && function.isEmpty
        let pool = threads > 1 ? ThreadPool(workerCount: threads - 1) : nil
        let context = KernelContext(pool: pool)
        let report = BenchmarkReport(context: context, threadCount: threads, json: json)
        report.begin()
        for shape in takesAll ? ProductShape.inference : shape {
            let work = FloatProductWork(
                shape,
                copyCount: copies,
                resultCount: results,
                context: context
            )
            time(
                work,
                .init(
                    name: shape.description,
                    type: "f32",
                    operationCount: shape.operationCount,
                    byteCount: Double(shape.depth * shape.columnCount * 4),
                    origin: shape.origin
                ),
                report
            )
        }
        for function in takesAll ? FunctionCase.inference : function {
            let count = function.rowCount * function.columnCount
            time(
                FunctionWork(function, context: context),
                .init(
                    name: function.description,
                    type: "f32",
                    byteCount: Double(count * 8),
                    elementCount: count
                ),
                report
            )
        }
        pool?.shutdown()
    }

    private func time(
        _ work: some BenchmarkedWork,
        _ subject: BenchmarkReport.Subject,
        _ report: BenchmarkReport
    ) {
        let timer = BenchmarkTimer(sampleCount: samples, copyCount: max(copies, results))
        let peak = PeakWork(table: report.context.table)
        let timings = timer.time([peak, work])
        report.add(subject, timings[1], peak: peak.operationCount / timings[0].smallest)
    }
}
