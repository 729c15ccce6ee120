// libFuzzer over the reader of artefacts. `run` builds and starts it.
//
// What is checked stands in ArtefactOracle.swift, which the ordinary tests use too.

internal import CLibFuzzer
internal import TernArtefact
internal import TernTensor

// swift-format-ignore: AlwaysUseLowerCamelCase
/// Called by libFuzzer, which chose the name, with each input.
@c public func LLVMFuzzerTestOneInput(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    // SAFETY: libFuzzer hands over exactly this many bytes for the time of the call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: byteCount))
    ArtefactOracle.check(bytes)
    ArtefactOracle.checkRepaired(bytes)
    return 0
}

@main
struct ArtefactFuzz {
    /// With `seeds DIR`, writes what to start from; otherwise fuzzes.
    static func main() throws {
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "seeds" {
            let folder = CommandLine.arguments[2]
            for (index, artefact) in SeedArtefacts.all.enumerated() {
                try FileBytes.write(artefact.encoded().bytes, to: "\(folder)/\(index).tern")
            }
            return
        }
        var argumentCount = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
            unsafe CommandLine
            .unsafeArgv
        _ = unsafe withUnsafeMutablePointer(to: &arguments) { arguments in
            // SAFETY: libFuzzer only reads the arguments; the pointers live until the process ends.
            unsafe arguments.withMemoryRebound(
                to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self,
                capacity: 1
            ) {
                unsafe LLVMFuzzerRunDriver(&argumentCount, $0) { data, byteCount in
                    unsafe LLVMFuzzerTestOneInput(data, byteCount)
                }
            }
        }
    }
}
