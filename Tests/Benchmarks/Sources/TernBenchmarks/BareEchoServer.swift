import ArgumentParser
import CBareNNG

/// The child process that stands for the peer: libnng's own REP socket.
struct BareEchoServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves echo with libnng's own REP socket until standard input closes.",
        shouldDisplay: false
    )

    @Argument(help: "Where to listen.")
    var url: String

    func run() throws {
        let failure = bare_echo_serve(url)
        throw ValidationError("libnng cannot listen on \(url): error \(failure)")
    }
}
