import ArgumentParser
import TernKernels
import TernThreadPool

/// Times matrix products.
struct KernelsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Times matrix products against the machine's arithmetic peak.",
        discussion: """
            The peak of one thread is measured in the same run, in turns with the products. Each line \
            shows the median of several samples and, in brackets, the smallest and the largest. \
            GB/s is the rate at which the packed right-hand side was read.

              tern kernels bench
              tern kernels bench --shape 128x768x3072 --threads 2
              tern kernels bench --shape 1x384x384 --copies 8 --json
            """
    )

    @Option(
        help: """
            A product MxKxN: [M, K] times [K, N]. Can be given several times; without it, products \
            that inference really runs.
            """
    )
    var shape: [ProductShape] = []

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
        let shapes = shape.isEmpty ? ProductShape.inference : shape
        let pool = threads > 1 ? ThreadPool(workerCount: threads - 1) : nil
        let context = KernelContext(pool: pool)
        let timer = BenchmarkTimer(sampleCount: samples, copyCount: max(copies, results))
        let report = BenchmarkReport(context: context, threadCount: threads, json: json)
        report.begin()
        for shape in shapes {
            let peak = PeakWork(table: context.table)
            let work = FloatProductWork(
                shape,
                copyCount: copies,
                resultCount: results,
                context: context
            )
            let timings = timer.time([peak, work])
            report.add(
                shape,
                timings[1],
                peakOperationsPerNanosecond: peak.operationCount / timings[0].smallest
            )
        }
        pool?.shutdown()
    }
}
