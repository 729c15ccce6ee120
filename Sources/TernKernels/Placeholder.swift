// Replaced by the first file of TernKernels.
