// Replaced by the first file of TernServer.
