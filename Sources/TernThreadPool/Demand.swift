// How an idle thread asks for a share of a range that another thread is working through.
//
// The word is 1 while somebody asks. Thieves set it when they find the thread at work on a divisible
// range and its deque empty; the worker looks at it between tiles and takes it back when it has put
// half of what is left on its deque. All accesses are relaxed: a lost or late request costs time
// only, and what is handed over goes through the deque. While nobody asks, the word stays in the
// worker's cache and a look costs a load.

/// A request for work, from any thread to one.
struct Demand<Word: SharedWord & ~Copyable>: ~Copyable, Sendable {
    private let word: Word
    private let fill = LineFill(repeating: 0)

    /// Nobody asks.
    init() { word = Word(0) }

    /// Asks; without a store, which would take the line away, if somebody did already.
    @inline(__always)
    func ask() { if word.loadRelaxed() == 0 { word.storeRelaxed(1) } }

    /// Whether somebody asks.
    @inline(__always)
    var isAsked: Bool { word.loadRelaxed() != 0 }

    /// Says that something was handed over.
    @inline(__always)
    func answer() { word.storeRelaxed(0) }
}
