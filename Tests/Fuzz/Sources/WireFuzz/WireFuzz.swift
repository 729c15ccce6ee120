// libFuzzer over every decoder of the wire library. `run` builds and starts it.
//
// What is checked stands in FrameOracle.swift, which the ordinary tests use too.

internal import CLibFuzzer

// swift-format-ignore: AlwaysUseLowerCamelCase
/// Called by libFuzzer, which chose the name, with each input.
@c public func LLVMFuzzerTestOneInput(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    // SAFETY: libFuzzer hands over exactly this many bytes for the time of the call.
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: byteCount)
    unsafe FrameOracle.check(bytes)
    unsafe FrameOracle.checkRepaired(bytes)
    return 0
}

@main
struct WireFuzz {
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
