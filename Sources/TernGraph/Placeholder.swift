// Replaced by the first file of TernGraph.
