// Replaced by the first file of TernMicrokernels.
