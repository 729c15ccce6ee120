package import TernMicrokernels

extension KernelTable {
    /// The kernels this process uses: the best the machine can run, or what `TERN_ISA` names.
    package static let current = KernelTable(name: "portable", panelWidth: 8)
}
