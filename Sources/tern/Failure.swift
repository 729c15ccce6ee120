import ArgumentParser
import TernClient

/// Why a command stops: what is told to the user, and the exit code it ends with.
///
/// The codes are those of `sysexits.h`, listed in `tern --help`.
struct Failure: Error {
    /// What kind of failure it is, as an exit code.
    enum Kind: Int32 {
        /// What was found is not what was expected.
        case mismatch = 1
        /// The command line is wrong.
        case usage = 64
        /// A file or a model cannot be used.
        case data = 65
        /// A file isn't there or cannot be read.
        case noInput = 66
        /// The server or an endpoint is not available.
        case unavailable = 69
        /// A defect in tern or in the server.
        case software = 70
        /// An output cannot be written.
        case cannotCreate = 73
        /// The same may work later.
        case temporary = 75
    }

    let kind: Kind
    let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// Translates what a call met.
    init(_ error: TernError) {
        let kind: Kind =
            switch error.code {
            case .invalidArgument, .notFound, .outOfRange, .failedPrecondition, .alreadyExists:
                .data
            case .unavailable: .unavailable
            case .cancelled, .deadlineExceeded, .resourceExhausted, .aborted: .temporary
            default: .software
            }
        self.init(kind, error.description)
    }
}

/// Runs a command's work; on failure writes its message to standard error and ends the process with
/// its exit code.
func reportingFailure(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let failure as Failure {
        writeError("tern: \(failure.message)")
        throw ExitCode(failure.kind.rawValue)
    } catch let error as TernError {
        let failure = Failure(error)
        writeError("tern: \(failure.message)")
        throw ExitCode(failure.kind.rawValue)
    }
}
