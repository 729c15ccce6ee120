import Testing

@testable import TernThreadPool

@Suite struct ProcessorCountTests {
    @Test func `a quota is rounded up to whole processors`() {
        #expect(CPUQuota(cpuMax: "200000 100000\n")?.processorCount == 2)
        #expect(CPUQuota(cpuMax: "150000 100000")?.processorCount == 2)
        #expect(CPUQuota(cpuMax: "1000 100000")?.processorCount == 1)
    }

    @Test(arguments: ["max 100000", "", "1", "-1 100000", "100 0", "a b", "1 2 3"])
    func `no limit and nonsense are no quota`(_ text: String) {
        #expect(CPUQuota(cpuMax: text) == nil)
    }

    @Test func `the tightest group on the way to the root counts`() {
        let files = [
            "/sys/fs/cgroup/a/b/cpu.max": "max 100000",
            "/sys/fs/cgroup/a/cpu.max": "300000 100000",
            "/sys/fs/cgroup/cpu.max": "800000 100000",
        ]
        #expect(CPUQuota.tightest(membership: "0::/a/b\n") { files[$0] }?.processorCount == 3)
        #expect(CPUQuota.tightest(membership: "0::/\n") { files[$0] }?.processorCount == 8)
        #expect(CPUQuota.tightest(membership: "0::/elsewhere\n") { files[$0] }?.processorCount == 8)
        #expect(CPUQuota.tightest(membership: "nonsense\n") { files[$0] } == nil)
    }

    @Test func `version 1 groups are understood`() {
        let files = [
            "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        ]
        let membership = "4:memory:/x\n3:cpuacct,cpu:/x\n"
        #expect(CPUQuota.tightest(membership: membership) { files[$0] }?.processorCount == 3)
    }

    @Test func `there is at least one processor and no more than a pool can use`() {
        let count = ThreadPool.availableProcessorCount
        #expect(count >= 1 && count <= SleepState<HardwareWord>.workerLimit)
    }

    @Test func `version 1 folders with the names of both controllers are found`() {
        let files = [
            "/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "150000\n",
            "/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "50000\n",
        ]
        #expect(
            CPUQuota.tightest(membership: "3:cpu,cpuacct:/x\n") { files[$0] }?.processorCount == 3
        )
        // A container that sees its own group as the root, but is told the host's path.
        let inside = [
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        ]
        let membership = "3:cpu,cpuacct:/docker/0123\n"
        #expect(CPUQuota.tightest(membership: membership) { inside[$0] }?.processorCount == 1)
        #expect(CPUQuota.tightest(membership: "3:cpuset:/x\n") { files[$0] } == nil)
    }

    @Test func `both versions at once are understood`() {
        let files = [
            "/sys/fs/cgroup/unified/a/cpu.max": "400000 100000",
            "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000",
            "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000",
        ]
        let membership = "4:cpu:/a\n0::/a\n"
        #expect(CPUQuota.tightest(membership: membership) { files[$0] }?.processorCount == 2)
        #expect(CPUQuota.tightest(membership: "0::/a\n") { files[$0] }?.processorCount == 4)
    }
}
