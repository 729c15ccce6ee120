package import TernMicrokernels

/// What a kernel runs on: an instruction set, and the threads that may help.
///
/// Every driver in this module takes one. Work below ``workerGate`` stays on the caller's thread.
/// Nothing that a kernel computes depends on the number of threads: the bits are the same.
package struct KernelContext: Sendable {
    /// The microkernels to use.
    package let table: KernelTable
    /// How many threads take part, the caller included; 1 keeps everything on the caller's thread.
    package let width: Int

    /// Runs everything on the caller's thread.
    package init(table: KernelTable = .current) {
        self.table = table
        width = 1
    }
}
