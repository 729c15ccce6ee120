package import TernTransport
package import TernWire

/// Every bound of a server; each is checked before what it bounds is used.
package struct ServerLimits: Sendable {
    /// What a frame may be.
    package var wire = WireLimits.standard
    /// The most requests admitted and not yet answered, of all models together.
    ///
    /// The memory for them is taken when the server starts.
    package var inFlightCount = 1024
    /// The most requests admitted and not yet answered of one model.
    package var inFlightCountPerModel = 512
    /// The most rows that run together, of models of which that is worth it; 1 for no batches.
    package var batchRowCount = 64
    /// What connections may hold and how long they may take; the longest frame is that of ``wire``.
    package var transport = TransportLimits()
    /// The most bytes of requests that are being read or worked on.
    package var requestByteCount = 1 << 30
    /// The most bytes of replies that are being written or sent.
    package var replyByteCount = 1 << 30
    /// The most bytes of error and control replies that are being written or sent: memory of their
    /// own, so that a server whose replies have used all of theirs can still say so.
    package var controlReplyByteCount = 64 << 20
    /// The longest model file that is read.
    package var modelFileByteCount = 2 << 30
    /// The most load and unload calls that wait for the loader.
    package var waitingLoadCount = 64
    /// The most log events that wait to be written; more are dropped and counted.
    package var waitingLogEventCount = 4096

    package init() {}
}
