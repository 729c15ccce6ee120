import ArgumentParser
import TernKernels
import TernThreadPool

/// Times matrix products.
struct KernelsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Times kernels against what the machine can do at best.",
        discussion: """
            The arithmetic peak of one thread, in the numbers that a kernel multiplies, is measured in \
            the same run, in turns with each kernel. A line shows the median of several samples and, \
            in brackets, the smallest and the largest. GB/s is the rate at which the packed \
            right-hand side of a product was read, or the image or argument was read and the result \
            written; for a product of one row it is also shown as a part of the rate at which as \
            much memory can be read, measured in turns as well. A function is applied twelve times, \
            each time to its own result, as a model would, and then starts again. Without a --shape, \
            --convolution or --function it times what inference really runs.

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
        report.begin(streams: json ? [] : streams(context))
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
                time(work, subject, report, type.arithmetic, isStreamed: shape.rowCount == 1)
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
                    type.arithmetic
                )
            }
        }
        for function in takesAll ? FunctionCase.inference : function {
            time(
                FunctionWork(function, context: context),
                .init(
                    name: function.description,
                    type: "f32",
                    byteCount: Double(function.byteCount),
                    elementCount: function.elementCount
                ),
                report
            )
        }
        pool?.shutdown()
    }

    /// How fast memory is read from each level of the caches, and beyond them.
    private func streams(_ context: KernelContext) -> [(name: String, gigabytesPerSecond: Double)] {
        let levels = [
            ("L2", StreamWork(byteCount: 512 << 10, context: context)),
            ("L3", StreamWork(byteCount: 8 << 20, context: context)),
            ("memory", StreamWork(byteCount: 256 << 20, context: context)),
        ]
        return levels.map { name, work in
            let timer = BenchmarkTimer(sampleCount: 9, pool: context.pool)
            return (name, work.byteCount / timer.time([work])[0].smallest)
        }
    }

    private func time(
        _ work: any BenchmarkedWork,
        _ subject: BenchmarkReport.Subject,
        _ report: BenchmarkReport,
        _ arithmetic: PeakWork.Arithmetic = .floats,
        isStreamed: Bool = false
    ) {
        let timer = BenchmarkTimer(
            sampleCount: samples,
            pool: report.context.pool,
            copyCount: max(copies, results)
        )
        let peak = PeakWork(arithmetic, table: report.context.table)
        let byteCount = Int(subject.byteCount) * copies
        let stream =
            isStreamed ? StreamWork(byteCount: byteCount, context: report.context) : nil
        let timings = timer.time([peak, work] + (stream.map { [$0] } ?? []))
        report.add(
            subject,
            timings[1],
            peak: peak.operationCount / timings[0].smallest,
            stream: stream.map { $0.byteCount / timings[2].smallest }
        )
    }
}
