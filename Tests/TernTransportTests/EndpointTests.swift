import Testing

@testable import TernTransport

@Suite struct EndpointTests {
    @Test(arguments: [
        ("ipc:///run/tern.sock", Endpoint.ipc(path: "/run/tern.sock")),
        ("ipc://tern.sock", .ipc(path: "tern.sock")),
        ("abstract://tern", .abstract(name: "tern")),
        ("tcp://127.0.0.1:0", .tcp(host: "127.0.0.1", port: 0)),
        ("tcp://localhost:65535", .tcp(host: "localhost", port: 65535)),
        ("tcp://:5555", .tcp(host: "", port: 5555)),
        ("tcp://[::1]:5555", .tcp(host: "::1", port: 5555)),
        ("inproc://tern", .inProcess(name: "tern")),
    ])
    func `a URL is understood and written again the same`(
        _ url: String,
        _ endpoint: Endpoint
    )
        throws
    {
        #expect(try Endpoint(url: url) == endpoint)
        #expect(endpoint.url == url)
    }

    @Test func `a star stands for every interface`() throws {
        #expect(try Endpoint(url: "tcp://*:80") == .tcp(host: "", port: 80))
    }

    @Test(arguments: [
        "", "tern", "ipc:/x", "ipc://", "http://x:1", "tcp://host", "tcp://host:", "tcp://h:65536",
        "tcp://h:+1", "tcp://h:1x", "tcp://::1:5", "tcp://[]:5", "tcp://[::1:5", "tcp://a b:5",
        "tcp://h/p:5", "abstract://", "inproc://", "ipc:///a\u{0}b",
        "ipc://" + String(repeating: "x", count: 108),
        "abstract://" + String(repeating: "x", count: 107),
    ])
    func `what is no address is refused`(_ url: String) throws {
        #expect {
            try Endpoint(url: url)
        } throws: { error in
            guard case .invalidEndpoint(url, let reason) = error as? TransportError else {
                return false
            }
            return !reason.isEmpty
        }
    }
}
