package import Synchronization

/// The life of a byte stream's operations, as a value.
///
/// It decides what may be submitted, when the stream must be closed, and when it can be freed; there
/// is no I/O inside.
/// Three rules are kept, which streams of libnng need and any stream can live with:
///  - nothing is submitted once the stream is being closed: a close that meets a thread in the middle
///    of submitting is left to that thread, which does it on its way out;
///  - the stream is freed only when nothing is outstanding, and no thread is inside a call on it or
///    inside its handler;
///  - closing and freeing happen exactly once each.
///
/// Each transition returns what its caller must do next. The value fits a word, so that
/// ``AtomicStreamLife`` can keep it without a lock.
package struct StreamLife: Sendable, Equatable {
    /// Flags in the low byte, submitting threads in the second, visiting threads in the third,
    /// outstanding operations in the fourth.
    @usableFromInline internal var rawValue: UInt32 = 0

    private static let closed: UInt32 = 1 << 0
    private static let closeIssued: UInt32 = 1 << 1
    private static let freed: UInt32 = 1 << 2
    private static let submitter: UInt32 = 1 << 8
    private static let submitters: UInt32 = 0xFF << 8
    private static let visitor: UInt32 = 1 << 16
    private static let visitors: UInt32 = 0xFF << 16
    private static let operations: UInt32 = 0xFF << 24

    /// How many operations can be outstanding at once.
    package static let operationLimit = 8

    /// One of the operations that can be outstanding at once; at most one of each.
    package struct Operation: Sendable, Equatable {
        /// From 0 to ``StreamLife/operationLimit`` - 1.
        package let index: Int

        /// Names one of several operations of one kind.
        package init(index: Int) {
            precondition(0..<StreamLife.operationLimit ~= index)
            self.index = index
        }

        /// A stream's read, or a dialer's dial.
        package static let read = Operation(index: 0)

        /// A stream's write.
        package static let write = Operation(index: 1)

        fileprivate var flag: UInt32 { 1 << (24 + UInt32(truncatingIfNeeded: index)) }
    }

    /// What the caller must do now.
    package enum Action: Sendable, Equatable {
        /// Nothing.
        case none
        /// Close the stream, then call ``leave()``.
        case close
        /// Free the stream: nothing can touch it any more.
        case free
    }

    /// Open, with nothing outstanding.
    package init() {}

    @usableFromInline
    internal init(rawValue: UInt32) { self.rawValue = rawValue }

    private func has(_ flag: UInt32) -> Bool { rawValue & flag != 0 }

    /// Whether operations may be submitted.
    package var isOpen: Bool { !has(Self.closed) }

    /// Asks whether `operation` may be submitted now.
    ///
    /// If so it counts as outstanding, and the caller must call ``submitted()`` when it has submitted it, even if it has completed by then.
    ///
    /// - Precondition: It isn't outstanding.
    package mutating func begin(_ operation: Operation) -> Bool {
        guard isOpen else { return false }
        precondition(
            !has(operation.flag),
            "an operation was submitted while one of its kind is out"
        )
        rawValue |= operation.flag
        rawValue += Self.submitter
        return true
    }

    /// Asks which of several operations of one kind, such as accepts, may be submitted now; then as
    /// ``begin(_:)``.
    ///
    /// - Precondition: Not all of them are outstanding.
    package mutating func beginAny(of count: Int) -> Operation? {
        guard isOpen else { return nil }
        let free = (0..<count).lazy.map { Operation(index: $0) }.first { !has($0.flag) }
        guard let free else {
            preconditionFailure("more operations were submitted than can be out")
        }
        return begin(free) ? free : nil
    }

    /// Notes that a submitting thread is out of the stream again.
    package mutating func submitted() -> Action {
        precondition(has(Self.submitters), "nobody was submitting")
        rawValue -= Self.submitter
        return next()
    }

    /// Notes that `operation` has completed; its handler runs now, then ``leave()``.
    package mutating func complete(_ operation: Operation) {
        precondition(has(operation.flag), "an operation completed that was never submitted")
        rawValue &= ~operation.flag
        rawValue += Self.visitor
    }

    /// Notes that a handler has returned, or that the stream was closed as told.
    package mutating func leave() -> Action {
        precondition(has(Self.visitors), "nobody was visiting")
        rawValue -= Self.visitor
        return next()
    }

    /// Closes; does nothing if it was closed before.
    package mutating func close() -> Action {
        guard isOpen else { return .none }
        rawValue |= Self.closed
        return next()
    }

    private mutating func next() -> Action {
        guard has(Self.closed), !has(Self.submitters) else { return .none }
        if !has(Self.closeIssued) {
            rawValue |= Self.closeIssued
            rawValue += Self.visitor
            return .close
        }
        guard !has(Self.operations | Self.visitors | Self.freed) else { return .none }
        rawValue |= Self.freed
        return .free
    }
}

/// A ``StreamLife`` that any thread may move on.
///
/// Each transition is one compare-and-exchange, acquiring and releasing: whoever frees the stream
/// sees everything that earlier visitors of it wrote.
package struct AtomicStreamLife: ~Copyable, Sendable {
    @usableFromInline internal let word = Atomic<UInt32>(0)

    /// Open, with nothing outstanding.
    package init() {}

    /// Whether operations could be submitted a moment ago.
    package var isOpen: Bool { StreamLife(rawValue: word.load(ordering: .acquiring)).isOpen }

    /// Moves on by `transition`, which may run several times.
    @inlinable
    package borrowing func update<Outcome>(
        _ transition: (inout StreamLife) -> Outcome
    ) -> Outcome {
        var expected = word.load(ordering: .acquiring)
        while true {
            var life = StreamLife(rawValue: expected)
            let outcome = transition(&life)
            if life.rawValue == expected { return outcome }
            let (exchanged, original) = word.compareExchange(
                expected: expected,
                desired: life.rawValue,
                ordering: .acquiringAndReleasing
            )
            if exchanged { return outcome }
            expected = original
        }
    }
}
