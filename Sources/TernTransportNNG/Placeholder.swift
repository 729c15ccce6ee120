// Replaced by the first file of TernTransportNNG.
