internal import CTernCPU

// A thread as the pool sees it: a worker for its whole life, or a guest (a thread from outside) for
// the length of one outermost loop or fork. What others look at is on lines of its own; what only the
// thread itself uses is on the last.

/// The place of one thread in a pool.
@safe struct Participant: ~Copyable {
    /// How deep a thread's own loops can be nested and still be shared; deeper ones run inline.
    static var frameCount: Int { 8 }

    /// What a parked worker sleeps on.
    let token = Token<PoolWord>()

    /// What others may help with; written by the participant only.
    ///
    /// Bit k is set while frame k is published.
    let published = PaddedWord<PoolWord>(0)

    /// The forks that may be stolen.
    let deque: ChaseLevDeque<PoolWord>
    private let dequeFill = InlineArray<14, UInt64>(repeating: 0)

    /// The pool.
    let core: PoolCore
    /// Where this participant is among the pool's; workers come first.
    let index: Int
    /// The participant's frames, one for each level of nesting.
    let frames: UnsafeMutablePointer<LoopFrame<PoolWord>>
    /// The root of the computation that the thread works on.
    ///
    /// It is index + 1 of the participant that began the computation. A thread that waits helps only with work of the same root.
    var root: UInt64
    /// How many of the frames are in use.
    var depth = 0
    /// Whether the thread last met a loop whose owner was on the same processor, and should move or sleep.
    var isInTheWay = false
    /// When the thread last moved out of an owner's way; 0 if never.
    var movedAtNanoseconds: UInt64 = 0
    /// How often it has moved lately.
    var moveCount = 0
    private let fill = InlineArray<8, UInt64>(repeating: 0)

    /// Makes an idle participant on top of `frames`, which must outlive it.
    @unsafe init(
        core: PoolCore,
        index: Int,
        dequeCapacity: Int,
        frames: UnsafeMutablePointer<LoopFrame<PoolWord>>
    ) {
        self.core = core
        self.index = index
        unsafe self.frames = frames
        deque = ChaseLevDeque(capacity: dequeCapacity)
        root = UInt64(index) + 1
    }
}

/// A participant's place in memory.
typealias ParticipantPointer = UnsafeMutablePointer<Participant>
