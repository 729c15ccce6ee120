import Foundation
import Glibc
import TernClient
import TernServer
import Testing

/// What SIGTERM and SIGINT do to a process that serves.
///
/// The processes end with `_exit`: a leak checker that runs at exit would look at them in mid-work.
@Suite struct TerminationSignalTests {
    @Test(arguments: [SIGTERM, SIGINT])
    func `the first signal runs the handler, which may end the process in order`(
        _ number: Int32
    ) async {
        await #expect(processExitsWith: .exitCode(7)) { [number = number as Int32] in
            TerminationSignals.handle { signal in _exit(signal == number ? 7 : 1) }
            kill(getpid(), number)
            sleep(10)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `the second signal ends the process at once, although the handler is at work`(
        _ number: Int32
    ) async {
        await #expect(processExitsWith: .exitCode(128 + number)) { [number = number as Int32] in
            let isHandling = DispatchSemaphore(value: 0)
            TerminationSignals.handle { _ in
                isHandling.signal()
                sleep(10)
            }
            kill(getpid(), SIGTERM)
            Self.wait(for: isHandling)
            kill(getpid(), number)
            sleep(10)
        }
    }

    private static func wait(for semaphore: DispatchSemaphore) { semaphore.wait() }

    @Test func `a server that is told to end answers what it accepted`() async {
        await #expect(processExitsWith: .success) {
            let gate = Gate()
            let test = try TestServer(
                in: .ipc,
                models: ["slow": EchoModel { () throws(ExecutionFailure) in gate.pass() }]
            )
            let server = test.server
            TerminationSignals.handle { _ in
                let outcome = server.drain(within: .seconds(10))
                server.stop()
                // The client's task needs a moment to look at what has arrived.
                sleep(1)
                _exit(outcome == .complete ? 1 : 2)
            }
            let client = try test.client()
            let call = Task {
                try await client.infer(
                    model: "slow",
                    inputs: [InferInput("x", shape: [3], [Float(1), 2, 3])]
                )
            }
            guard try await gate.hasArrivals(1) else { _exit(3) }
            kill(getpid(), SIGTERM)
            guard try await eventually({ server.phase == .draining }) else { _exit(4) }
            gate.open()
            let answer: [Float] = try await call.value.output("out x").array()
            _exit(answer == [1, 2, 3] ? EXIT_SUCCESS : 5)
        }
    }
}
