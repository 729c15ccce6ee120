package import TernKernels

/// What all kernels of one call share.
package struct CallContext: Sendable {
    /// Where to run.
    package let kernels: KernelContext
    /// How somebody may stop the call; kernels that repeat something look at it.
    package var interruption: Interruption?

    /// Describes a call.
    package init(kernels: KernelContext, interruption: Interruption? = nil) {
        self.kernels = kernels
        self.interruption = interruption
    }
}
