import CTernCPU
import Glibc

// Clocks, distributions and how they are printed.

/// Ticks of the processor's counter in a nanosecond.
let ticksPerNanosecond: Double = {
    let ticks = tern_ticks()
    let start = tern_monotonic_nanoseconds()
    while tern_monotonic_nanoseconds() - start < 20_000_000 {}
    return Double(tern_ticks() - ticks) / Double(tern_monotonic_nanoseconds() - start)
}()

func nanoseconds(_ ticks: UInt64) -> Double { Double(ticks) / ticksPerNanosecond }

/// Keeps the thread busy for about `duration` nanoseconds.
func spin(_ duration: UInt64) {
    let start = tern_monotonic_nanoseconds()
    while tern_monotonic_nanoseconds() - start < duration { tern_pause() }
}

/// Many measurements of one thing.
struct Distribution {
    private let sorted: [Double]

    init(_ values: [Double]) { sorted = values.sorted() }

    func percentile(_ percent: Double) -> Double {
        guard !sorted.isEmpty else { return .nan }
        return sorted[min(sorted.count - 1, Int(percent / 100 * Double(sorted.count)))]
    }

    var median: Double { percentile(50) }

    /// Minimum, median and spread, in `unit`s of nanoseconds.
    func summary(_ unit: Double = 1, _ name: String = "ns") -> String {
        let values = [0, 10, 50, 90, 99].map { text(percentile($0) / unit) }
        return "p50 \(values[2]) \(name)  (min \(values[0]), p10 \(values[1]), "
            + "p90 \(values[3]), p99 \(values[4]); n = \(sorted.count))"
    }
}

func text(_ value: Double, _ digits: Int = 2) -> String {
    let scale = pow(10.0, Double(digits))
    let rounded = (value * scale).rounded() / scale
    return value.magnitude >= 1000 ? String(Int(value.rounded())) : String(rounded)
}

func report(_ name: String, _ value: String, goal: String = "") {
    let padding = String(repeating: " ", count: max(1, 44 - name.count))
    print(name + padding + value + (goal.isEmpty ? "" : "   goal: \(goal)"))
    fflush(nil)
}

func printLoad() {
    var loads = [0.0, 0.0, 0.0]
    getloadavg(&loads, 3)
    print("load average \(loads.map { text($0) }.joined(separator: " "))")
}

/// What this process used of the processors so far, in nanoseconds.
var processorNanoseconds: Double {
    var usage = rusage()
    getrusage(0, &usage)  // RUSAGE_SELF
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    return Double(seconds) * 1e9 + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3
}

/// Processes that keep processors busy, until ended.
struct Hogs {
    private var processes: [pid_t] = []

    /// Starts `count` of them; on the processor of the given index if there is one.
    init(_ count: Int, onProcessor index: Int? = nil) {
        for _ in 0..<count {
            var process = pid_t()
            var arguments: [UnsafeMutablePointer<CChar>?] = [
                strdup(CommandLine.arguments[0]), strdup("hog"), strdup("\(index ?? -1)"), nil,
            ]
            posix_spawn(&process, "/proc/self/exe", nil, nil, &arguments, environ)
            processes.append(process)
        }
        usleep(100_000)
    }

    func end() {
        for process in processes {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
    }

    /// What such a process does.
    static func run(onProcessor index: Int) -> Never {
        if index >= 0 { _ = tern_pin_to_nth_processor(Int32(index)) }
        let parent = getppid()
        while getppid() == parent { spin(20_000_000) }
        exit(0)
    }
}
