// Replaced by the first file of TernKernelsPortable.
