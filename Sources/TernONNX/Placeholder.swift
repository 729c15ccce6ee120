// Replaced by the first file of TernONNX.
