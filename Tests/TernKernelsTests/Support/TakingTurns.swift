import Testing

/// Lets one test case after the other run, of all suites that have the trait.
///
/// These tests compute for minutes together and never wait. Were all of them to start at once, the tests
/// of other targets that wait for an answer within a time would stand in line behind them.
struct TakingTurns: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        await Turn.shared.take()
        do {
            try await function()
        } catch {
            await Turn.shared.giveBack()
            throw error
        }
        await Turn.shared.giveBack()
    }
}

extension Trait where Self == TakingTurns {
    /// See ``TakingTurns``.
    static var takingTurns: Self { TakingTurns() }
}

/// Whose turn it is.
private actor Turn {
    static let shared = Turn()

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        guard !waiting.isEmpty else {
            isTaken = false
            return
        }
        waiting.removeFirst().resume()
    }
}
