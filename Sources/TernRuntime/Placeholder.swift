// Replaced by the first file of TernRuntime.
