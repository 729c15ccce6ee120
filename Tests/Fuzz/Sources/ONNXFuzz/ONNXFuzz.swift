// libFuzzer over the reader of ONNX files. `run` builds and starts it.
//
// What is checked stands in ONNXOracle.swift, which the ordinary tests use too.

internal import CLibFuzzer
internal import Foundation

/// Where external data is looked for: the folder of the test models, which has some.
private let folder = ProcessInfo.processInfo.environment["TERN_FUZZ_FOLDER"]

// swift-format-ignore: AlwaysUseLowerCamelCase
/// Called by libFuzzer, which chose the name, with each input.
@c public func LLVMFuzzerTestOneInput(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    // SAFETY: libFuzzer hands over exactly this many bytes for the time of the call.
    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: byteCount))
    ONNXOracle.check(bytes, folder: folder)
    return 0
}

@main
struct ONNXFuzz {
    static func main() {
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
