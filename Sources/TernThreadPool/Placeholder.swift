// Replaced by the first file of TernThreadPool.
