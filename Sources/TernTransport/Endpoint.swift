/// Where a server can be reached, parsed from a URL.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A UNIX socket at a path: `ipc:///run/tern.sock`.
    case ipc(path: String)
    /// A UNIX socket with a name outside the file system: `abstract://tern`.
    case abstract(name: String)
    /// `tcp://host:port`; an empty host stands for every interface, port 0 for one that is free.
    case tcp(host: String, port: UInt16)
    /// A name within this process: `inproc://tern`.
    case inProcess(name: String)

    /// The longest path of a UNIX socket in bytes; the system's structure has room for 107 and an
    /// end mark.
    package static let maximumPathByteCount = 107

    /// The longest abstract or in-process name in bytes.
    package static let maximumNameByteCount = 106

    /// Parses a URL.
    ///
    /// - Parameter url: The URL; schemes are `ipc`, `abstract`, `tcp` and `inproc`.
    /// - Throws: ``TransportError/invalidEndpoint(url:reason:)``.
    package init(url: String) throws(TransportError) {
        guard let separator = url.firstRange(of: "://") else {
            throw .invalidEndpoint(
                url: url,
                reason: "expected SCHEME://ADDRESS, such as ipc:///run/tern.sock"
            )
        }
        let scheme = url[..<separator.lowerBound]
        let rest = String(url[separator.upperBound...])
        guard !rest.utf8.contains(0) else {
            throw .invalidEndpoint(url: url, reason: "an address cannot hold a zero byte")
        }
        switch scheme {
        case "ipc", "unix":
            try Self.check(rest, in: url, what: "path", limit: Self.maximumPathByteCount)
            self = .ipc(path: rest)
        case "abstract":
            try Self.check(rest, in: url, what: "name", limit: Self.maximumNameByteCount)
            self = .abstract(name: rest)
        case "inproc":
            try Self.check(rest, in: url, what: "name", limit: Self.maximumNameByteCount)
            self = .inProcess(name: rest)
        case "tcp":
            self = try Self.tcp(rest, in: url)
        default:
            throw .invalidEndpoint(
                url: url,
                reason: "unknown scheme \"\(scheme)\", expected ipc, abstract, tcp or inproc"
            )
        }
    }

    private static func check(
        _ text: String,
        in url: String,
        what: String,
        limit: Int
    ) throws(TransportError) {
        guard !text.isEmpty else {
            throw .invalidEndpoint(url: url, reason: "the \(what) is empty")
        }
        guard text.utf8.count <= limit else {
            throw .invalidEndpoint(
                url: url,
                reason: "the \(what) has \(text.utf8.count) bytes, at most \(limit) are possible"
            )
        }
    }

    private static func tcp(_ text: String, in url: String) throws(TransportError) -> Endpoint {
        guard let colon = text.lastIndex(of: ":") else {
            throw .invalidEndpoint(url: url, reason: "expected HOST:PORT")
        }
        var host = String(text[..<colon])
        let portText = text[text.index(after: colon)...]
        guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(portText)
        else {
            throw .invalidEndpoint(
                url: url,
                reason: "the port is \"\(portText)\", expected 0 to 65535"
            )
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), host.utf8.count > 2 else {
                throw .invalidEndpoint(url: url, reason: "expected [IPv6 ADDRESS]:PORT")
            }
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw .invalidEndpoint(
                url: url,
                reason: "an IPv6 address stands in brackets: tcp://[::1]:5555"
            )
        }
        guard !host.utf8.contains(where: { $0 <= 0x20 || $0 == 0x2F }) else {
            throw .invalidEndpoint(url: url, reason: "the host is \"\(host)\"")
        }
        return .tcp(host: host == "*" ? "" : host, port: port)
    }

    /// The URL in its shortest form.
    package var url: String {
        switch self {
        case .ipc(let path): "ipc://\(path)"
        case .abstract(let name): "abstract://\(name)"
        case .tcp(let host, let port):
            host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        case .inProcess(let name): "inproc://\(name)"
        }
    }

    package var description: String { url }
}
