internal import Synchronization
package import TernTransport
internal import TernTransportNNG
internal import TernWire

/// A client of one Tern server.
///
/// One connection carries any number of calls at a time, from any number of tasks. It is made in
/// the background, and again whenever it breaks; a call made while there is none waits for it until
/// the call's deadline. No thread is ever blocked: a waiting call is a suspended task.
///
/// A call fails with a ``TernError``. Its deadline holds even when the server is silent. Cancelling
/// the task of a call makes it throw `cancelled` at once, and tells the server to stop working on
/// it. A call that was in flight when the connection broke fails at once with `unavailable`, and
/// ``TernError/mayHaveRun`` is set: it is not sent again, because the server may have done it. A
/// call of which nothing was sent is kept for the next connection, which nobody notices.
public final class TernClient: Sendable {
    /// The URL of the server, as it was given.
    public let endpoint: String

    /// What holds for calls that do not say otherwise.
    public let configuration: Configuration

    internal let channel: any RequestChannel

    /// What is accepted in a reply.
    internal let limits: WireLimits

    /// Correlation ids count up from 1.
    internal let lastCorrelationID = Atomic<UInt64>(0)

    /// Makes a client and starts to connect, without waiting for it.
    ///
    /// - Parameters:
    ///   - endpoint: Where the server listens: `ipc:///path/to/socket`, `abstract://name` or
    ///     `tcp://host:port`.
    ///   - configuration: Time-outs and limits.
    /// - Throws: ``TernError/Code/invalidArgument`` if the URL cannot be understood.
    public convenience init(
        endpoint: String,
        configuration: Configuration = Configuration()
    ) throws(TernError) {
        let channel: NNGChannel
        do throws(TransportError) {
            channel = try NNGChannel(url: endpoint, settings: configuration.channelSettings)
        } catch {
            throw TernError(error, endpoint: endpoint)
        }
        self.init(endpoint: endpoint, configuration: configuration, channel: channel)
    }

    /// Makes a client that speaks over `channel`, which it closes when it is closed.
    package init(
        endpoint: String,
        configuration: Configuration = Configuration(),
        channel: any RequestChannel
    ) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.channel = channel
        var limits = WireLimits.standard
        limits.frameByteCount = configuration.replyByteCountLimit
        self.limits = limits
    }

    deinit { channel.close() }

    /// Makes a client and waits until the server has answered.
    ///
    /// - Parameters:
    ///   - endpoint: Where the server listens, as for ``init(endpoint:configuration:)``.
    ///   - configuration: Time-outs and limits.
    /// - Returns: A connected client.
    /// - Throws: ``TernError/Code/unavailable`` if no server answers within
    ///   ``Configuration/connectTimeout``, and what `init` throws.
    public static func connect(
        to endpoint: String,
        configuration: Configuration = Configuration()
    ) async throws(TernError) -> TernClient {
        let client = try TernClient(endpoint: endpoint, configuration: configuration)
        do throws(TernError) {
            _ = try await client.isLive(
                options: CallOptions(timeout: configuration.connectTimeout)
            )
        } catch {
            client.close()
            throw error
        }
        return client
    }

    /// Closes the connection and fails every call in flight with `unavailable`.
    ///
    /// Returns at once, without waiting for the server or for the calls. Calls made afterwards fail
    /// the same way. Idempotent.
    public func close() { channel.close() }
}
