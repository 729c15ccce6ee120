// Replaced by the first file of TernWire.
