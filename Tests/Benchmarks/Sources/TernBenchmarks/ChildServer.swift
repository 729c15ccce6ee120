import Foundation

/// A server in a process of its own that ends with this one.
final class ChildServer {
    private let process = Process()
    private let output = Pipe()
    private let input = Pipe()

    /// The URL that the server says it listens on.
    private(set) var url = ""

    /// Starts `program` and waits until it prints a line with a URL.
    init(program: URL, arguments: [String]) throws {
        process.executableURL = program
        process.arguments = arguments
        process.standardOutput = output
        process.standardInput = input
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while url.isEmpty {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Failure.ended(program.lastPathComponent) }
            text += String(decoding: data, as: UTF8.self)
            if let match = text.firstMatch(of: /(?:ipc|tcp):\/\/[^\s]+(?=\s)/) {
                url = String(match.output)
            }
        }
    }

    func stop() {
        try? input.fileHandleForWriting.close()
        process.terminate()
        process.waitUntilExit()
    }

    enum Failure: Error, CustomStringConvertible {
        case ended(String)

        var description: String {
            switch self {
            case .ended(let name): "\(name) ended before it was ready"
            }
        }
    }
}
