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
            image or argument was read and the result written. Without a --shape, \
            --convolution or --function it times what inference really runs. The peak of bytes is taken as four times, that \
            of bfloat16 as twice that of floats where the kernels have such instructions (v4).

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
            A convolution of one image CHANNELSxHEIGHTxWIDTH:FILTERSxHEIGHTxWIDTH:STRIDE:PADDING:GROUPS. \
            Can be given several times.
            """
    )
    var convolution: [ConvolutionCase] = []

    @Option(
        help: """
            A function NAME:ROWSxCOLUMNS, NAME one of \
            \(BenchmarkedFunction.allCases.map(\.rawValue).joined(separator: ", ")). Can be given \
            several times.
            """
    )
    var function: [FunctionCase] = []

    @Option(
        help: """
            What the numbers of products and convolutions are: f32; u8s8, s8s8 or u8u8, bytes; and of \
            products alone: bf16; q4 or q8, floats by weights in blocks of 32. Can be given several \
            times.
            """
    )
    var type: [ProductType] = [.f32]

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
        guard convolution.isEmpty || type.allSatisfy(\.hasConvolutions) else {
            throw ValidationError("convolutions are of --type f32, u8s8, s8s8 or u8u8")
        }
        guard 1...56 ~= threads else { throw ValidationError("--threads must be 1 to 56") }
        guard 1...1000 ~= samples else { throw ValidationError("--samples must be 1 to 1000") }
        guard 1...1000 ~= copies else { throw ValidationError("--copies must be 1 to 1000") }
        guard 1...1000 ~= results else { throw ValidationError("--results must be 1 to 1000") }
    }

    func run() async throws {
        let takesAll = shape.isEmpty && convolution.isEmpty && function.isEmpty
        let pool = threads > 1 ? ThreadPool(workerCount: threads - 1) : nil
        let context = KernelContext(pool: pool)
        let report = BenchmarkReport(context: context, threadCount: threads, json: json)
        report.begin()
        for shape in takesAll ? ProductShape.inference : shape {
            for type in type {
                let work = type.work(
                    shape,
                    copyCount: copies,
                    resultCount: results,
                    context: context
                )
                let subject = BenchmarkReport.Subject(
                    name: shape.description,
                    type: type.rawValue,
                    operationCount: shape.operationCount,
                    byteCount: type.byteCount(of: shape),
                    origin: shape.origin
                )
                time(work, subject, report, peakFactor: type.peakFactor(of: context.table))
            }
        }
        for convolution in takesAll ? ConvolutionCase.inference : convolution {
            let shape = convolution.convolution
            for type in type {
                guard let work = type.work(shape, resultCount: results, context: context) else {
                    continue
                }
                let elementByteCount = type == .f32 ? 4 : 1
                let elementCount = shape.outputElementCount + shape.inputElementCount
                time(
                    work,
                    .init(
                        name: convolution.description,
                        type: type.rawValue,
                        operationCount: convolution.operationCount,
                        byteCount: Double(elementByteCount * elementCount)
                    ),
                    report,
                    peakFactor: type.peakFactor(of: context.table)
                )
            }
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
        _ work: any BenchmarkedWork,
        _ subject: BenchmarkReport.Subject,
        _ report: BenchmarkReport,
        peakFactor: Double = 1
    ) {
        let timer = BenchmarkTimer(
            sampleCount: samples,
            pool: report.context.pool,
            copyCount: max(copies, results)
        )
        let peak = PeakWork(table: report.context.table)
        let timings = timer.time([peak, work])
        let best = peak.operationCount / timings[0].smallest
        report.add(subject, timings[1], peak: best * peakFactor)
    }
}
