// Replaced by the first file of TernKernelsX86V3.
