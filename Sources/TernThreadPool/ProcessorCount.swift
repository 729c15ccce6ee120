internal import CTernCPU
internal import Glibc

// How many processors a process may keep busy on Linux: the affinity mask says which it may run on,
// and the cgroup's quota how much time it gets on them. A container with "2 CPUs" on a machine of 64
// has a full mask and a quota; 64 spinning workers there would use up the quota and be stopped for
// the rest of each period.

extension ThreadPool {
    /// How many processors this process may keep busy: its affinity mask and its cgroup's quota, at
    /// least 1, at most what a pool can have.
    package static var availableProcessorCount: Int {
        let allowed = Int(tern_affinity_processor_count())
        let quota = CPUQuota.ofThisProcess()?.processorCount ?? allowed
        return max(1, min(allowed, quota, SleepState<PoolWord>.workerLimit))
    }
}

/// How much processor time a cgroup may use in each period.
struct CPUQuota: Equatable {
    /// Processor time in each period, in microseconds.
    var quotaMicroseconds: Int
    /// The length of a period in microseconds.
    var periodMicroseconds: Int

    /// How many processors the quota keeps busy, rounded up; at least 1.
    var processorCount: Int { max(1, (quotaMicroseconds - 1) / periodMicroseconds + 1) }

    /// Makes a quota, if both times are positive; the kernel writes -1 for "no limit".
    init?(quotaMicroseconds: Int, periodMicroseconds: Int) {
        guard quotaMicroseconds > 0, periodMicroseconds > 0 else { return nil }
        self.quotaMicroseconds = quotaMicroseconds
        self.periodMicroseconds = periodMicroseconds
    }

    /// Reads the contents of a version 2 `cpu.max`: "quota period", or "max period" for no limit.
    init?(cpuMax text: String) {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]) else {
            return nil
        }
        self.init(quotaMicroseconds: quota, periodMicroseconds: period)
    }

    /// The tightest quota from this process's cgroup up to the root; nil if there is none.
    static func ofThisProcess() -> CPUQuota? {
        guard let membership = contents(of: "/proc/self/cgroup") else { return nil }
        return tightest(membership: membership, contents: contents(of:))
    }

    /// The tightest quota for a process with the given `/proc/self/cgroup`.
    ///
    /// - Parameters:
    ///   - membership: Lines of "hierarchy:controllers:path".
    ///   - contents: Reads a file, nil if it cannot be read.
    /// - Returns: The quota that keeps the fewest processors busy, nil if there is none.
    static func tightest(membership: String, contents: (String) -> String?) -> CPUQuota? {
        var found: [CPUQuota] = []
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[0] == "0" && fields[1].isEmpty
            let isVersion1 = fields[1].split(separator: ",").contains("cpu")
            guard isVersion2 || isVersion1 else { continue }
            // In a container the path may be the host's while the mount shows its own root: then only
            // the walk's last step, the mount itself, finds a file.
            var path = fields[2]
            while true {
                while path.hasSuffix("/") { path = path.dropLast() }
                if isVersion2 {
                    // Beside version 1 hierarchies, version 2 has a folder of its own.
                    for mount in ["", "/unified"] {
                        let file = contents("/sys/fs/cgroup\(mount)\(path)/cpu.max")
                        if let quota = file.flatMap(CPUQuota.init(cpuMax:)) { found.append(quota) }
                    }
                } else {
                    // The folder has the controllers' names; a link named `cpu` is usual, not sure.
                    for mount in Set(["cpu", String(fields[1])]) {
                        let quota = version1("/sys/fs/cgroup/\(mount)\(path)", contents)
                        if let quota { found.append(quota) }
                    }
                }
                guard let slash = path.lastIndex(of: "/") else { break }
                path = path[..<slash]
            }
        }
        return found.min { $0.processorCount < $1.processorCount }
    }

    private static func version1(_ folder: String, _ contents: (String) -> String?) -> CPUQuota? {
        func number(_ name: String) -> Int? {
            contents("\(folder)/\(name)").flatMap { text in
                Int(text.filter { !$0.isWhitespace })
            }
        }
        guard let quota = number("cpu.cfs_quota_us"), let period = number("cpu.cfs_period_us")
        else { return nil }
        return CPUQuota(quotaMicroseconds: quota, periodMicroseconds: period)
    }

    /// The first 64 KiB of a small text file, nil if it cannot be read.
    private static func contents(of path: String) -> String? {
        guard let file = unsafe fopen(path, "re") else { return nil }
        defer { unsafe fclose(file) }
        let limit = 65_536
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = unsafe fread(buffer.baseAddress, 1, limit, file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
