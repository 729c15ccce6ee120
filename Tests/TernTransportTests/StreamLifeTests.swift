import Testing

@testable import TernTransport

/// What a stream's life goes through in a test; each step says what must be done next.
private enum Step {
    case beginRead, beginWrite, submitted, readCompleted, writeCompleted, leave, close

    func apply(to life: inout StreamLife) -> StreamLife.Action {
        switch self {
        case .beginRead: _ = life.begin(.read)
        case .beginWrite: _ = life.begin(.write)
        case .submitted: return life.submitted()
        case .readCompleted: life.complete(.read)
        case .writeCompleted: life.complete(.write)
        case .leave: return life.leave()
        case .close: return life.close()
        }
        return .none
    }
}

/// The actions that a new stream's life asks for, step by step.
private func actions(_ steps: [Step]) -> [StreamLife.Action] {
    var life = StreamLife()
    return steps.map { $0.apply(to: &life) }
}

@Suite struct StreamLifeTests {
    @Test func `a quiet stream is closed and then freed`() {
        #expect(actions([.close, .leave, .close]) == [.close, .free, .none])
    }

    @Test func `nothing can be submitted after a close`() {
        var life = StreamLife()
        _ = life.close()
        let canRead = life.begin(.read)
        let canWrite = life.begin(.write)
        #expect(!canRead && !canWrite && !life.isOpen)
    }

    @Test func `a close that meets a submitter is left to it`() {
        #expect(
            actions([.beginWrite, .close, .submitted, .leave, .writeCompleted, .leave])
                == [.none, .none, .close, .none, .none, .free]
        )
    }

    @Test func `a stream is freed only when nothing is outstanding and nobody is inside`() {
        let begun: [Step] = [.beginRead, .submitted, .beginWrite, .submitted]
        let ended: [Step] = [.close, .readCompleted, .leave, .writeCompleted, .leave, .leave]
        #expect(
            actions(begun + ended).suffix(6) == [.close, .none, .none, .none, .none, .free]
        )
    }

    @Test func `a handler that closes its stream is left before the stream is freed`() {
        #expect(
            actions([.beginRead, .submitted, .readCompleted, .close, .leave, .leave]).suffix(3)
                == [.close, .none, .free]
        )
    }

    @Test func `an operation may complete and be followed before its submitter has left`() {
        let steps: [Step] = [
            .beginRead, .readCompleted, .beginRead, .submitted, .leave, .close, .submitted,
            .readCompleted, .leave, .leave,
        ]
        #expect(
            actions(steps)
                == [.none, .none, .none, .none, .none, .none, .close, .none, .none, .free]
        )
    }

    @Test func `of several operations of one kind each can be out once, and all must end`() {
        var life = StreamLife()
        let slots = (0..<3).map { _ in life.beginAny(of: 3)?.index }
        #expect(slots == [0, 1, 2])
        for _ in 0..<3 { _ = life.submitted() }
        life.complete(StreamLife.Operation(index: 1))
        let again = life.beginAny(of: 3)
        #expect(again?.index == 1)
        #expect(life.submitted() == .none)
        #expect(life.leave() == .none)
        #expect(life.close() == .close)
        #expect(life.beginAny(of: 3) == nil)
        #expect(life.leave() == .none)
        for index in 0..<3 {
            life.complete(StreamLife.Operation(index: index))
            #expect(life.leave() == (index == 2 ? .free : .none))
        }
    }

    @Test func `in whatever order the last threads leave, a stream is freed exactly once`() {
        // A read and a write complete while a third thread closes; every order of their steps.
        func walk(_ life: StreamLife, _ left: [[Step]], _ freed: Int) -> Int {
            if left.allSatisfy(\.isEmpty) {
                #expect(freed == 1)
                return 1
            }
            var orders = 0
            for index in left.indices where !left[index].isEmpty {
                var next = life
                var rest = left
                let isFreed = rest[index].removeFirst().apply(to: &next) == .free
                orders += walk(next, rest, freed + (isFreed ? 1 : 0))
            }
            return orders
        }
        var life = StreamLife()
        for step in [Step.beginRead, .submitted, .beginWrite, .submitted] {
            _ = step.apply(to: &life)
        }
        let threads: [[Step]] = [
            [.readCompleted, .leave], [.writeCompleted, .leave], [.close, .leave],
        ]
        #expect(walk(life, threads, 0) == 90)
    }
}
