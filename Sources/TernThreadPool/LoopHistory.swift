// What was measured of a short loop: what it takes alone, and what it takes with help. The table that
// decides, for each loop on its own, whether it is shared.
//
// A prediction from the number of operations is a guess: it knows neither the processor nor whether
// the operands are in the caches, and not what help costs this loop: cache lines that travel, parts
// that don't come out even. So short loops are timed as they run, and after a few runs the decision
// is that of two measured times. A loop is known by where it stands in the source, its count and its
// prediction, which together stand for one node of a plan with its shapes.
//
//     new        run alone, timed, twice (the first run finds cold caches)
//     half known shared, timed, until help has come four times; alone if it is so short that help
//                cannot pay, by what an answer costs (HandOffCosts.swift)
//     known      run the way that takes less; every 16th time it is timed, and now and then the other
//                way is tried, so that what has changed is noticed: alone every 256th time, with
//                help, where there is less to lose, every 64th
//
// "Every 16th time" is by chance, or a plan with a round number of loops would always time the same.
//
// Of each way the lowest of the first samples counts, and from then on a moving mean: each sample as an
// eighth and as no more than twice the mean. Somebody else on the processor makes single runs a
// thousand times as long, which is the business of StallWatch.swift and says nothing about the loop;
// so runs that took four times the mean, and runs that had to wait for a helper that was put off its
// processor, are no samples.
//
// An entry is one word, in a table with a place for each of 4,096 loops, found by a hash. All accesses
// are relaxed loads and stores: two threads that time the same loop at once lose one of two samples,
// which doesn't matter. A loop that finds another one at its place goes by its prediction, and takes the
// place every 16th time: what nobody runs any more is replaced, and of two loops that share a place
// neither is new for ever.

/// What is known of one loop.
struct LoopHistory: Equatable {
    /// Shorter loops are not worth a look into the table.
    static var shortestNanoseconds: Int { 1_000 }

    private static var aloneSampleGoal: UInt64 { 2 }
    private static var sharedSampleGoal: UInt64 { 4 }
    private static var unitNanoseconds: UInt64 { 16 }
    private static var timeLimit: UInt64 { 0xFFFF }
    private static var countLimit: UInt64 { 15 }

    /// From the lowest bits on: time alone, time shared (16 bits each, in units of 16 ns), samples of
    /// both (4 bits each), nothing (8 bits), the loop's mark (16 bits, never 0).
    private(set) var word: UInt64

    /// Reads an entry of the table.
    ///
    /// - Parameters:
    ///   - word: The entry; 0 if it is empty.
    ///   - mark: The loop's mark. If the entry belongs to another loop, nothing is known.
    @inline(__always)
    init(_ word: UInt64, mark: UInt64) {
        self.word = word >> 48 == mark ? word : mark << 48
    }

    /// Whether the place belongs to another loop, which should keep it for now.
    @inline(__always)
    static func isTaken(_ word: UInt64, mark: UInt64, random: UInt32) -> Bool {
        word != 0 && word >> 48 != mark && random & 15 != 0
    }

    /// What to do with a loop.
    struct Choice: Equatable {
        /// Whether others may help.
        var isShared: Bool
        /// Whether to measure how long it takes.
        var isTimed: Bool
    }

    /// Chooses how to run the loop.
    ///
    /// - Parameters:
    ///   - threshold: What it must take alone at least for sharing it to be tried.
    ///   - random: A number of which the lowest 8 bits are random.
    /// - Returns: The choice, if there is somebody awake who might help.
    @inline(__always)
    func choice(threshold: Int, random: UInt32) -> Choice {
        if aloneCount < Self.aloneSampleGoal { return Choice(isShared: false, isTimed: true) }
        let isSampled = random & 15 == 0
        guard sharedCount >= Self.sharedSampleGoal else {
            let isShared = Int(alone * Self.unitNanoseconds) >= threshold
            return Choice(isShared: isShared, isTimed: isShared || isSampled)
        }
        // Help must be worth something: it takes a processor.
        let isBetterShared = shared < alone - alone / 32
        if random & (isBetterShared ? 255 : 63) == 0 {
            return Choice(isShared: !isBetterShared, isTimed: true)
        }
        return Choice(isShared: isBetterShared, isTimed: isSampled)
    }

    /// What the loop takes alone in nanoseconds: measured if it was, otherwise as predicted.
    @inline(__always)
    func aloneNanoseconds(predicted: Int) -> Int {
        aloneCount >= Self.aloneSampleGoal ? Int(alone * Self.unitNanoseconds) : predicted
    }

    /// What the loop takes with help in nanoseconds; nil while unknown.
    var sharedNanoseconds: Int? {
        sharedCount >= Self.sharedSampleGoal ? Int(shared * Self.unitNanoseconds) : nil
    }

    /// Takes note of a run without help.
    mutating func noteAlone(nanoseconds: UInt64) {
        let time = Self.mixed(alone, aloneCount, Self.aloneSampleGoal, nanoseconds)
        let count = min(aloneCount + 1, Self.countLimit)
        word = word & ~(0xFFFF | 0xF << 32) | time | count << 32
    }

    /// Takes note of a run with help, unless it took so long that somebody was put off a processor.
    mutating func noteShared(nanoseconds: UInt64) {
        guard nanoseconds <= 4 * alone * Self.unitNanoseconds else { return }
        let time = Self.mixed(shared, sharedCount, Self.sharedSampleGoal, nanoseconds)
        let count = min(sharedCount + 1, Self.countLimit)
        word = word & ~(0xFFFF << 16 | 0xF << 36) | time << 16 | count << 36
    }

    private var alone: UInt64 { word & 0xFFFF }
    private var shared: UInt64 { word >> 16 & 0xFFFF }
    private var aloneCount: UInt64 { word >> 32 & 0xF }
    private var sharedCount: UInt64 { word >> 36 & 0xF }

    /// What is known after one more sample.
    private static func mixed(
        _ known: UInt64,
        _ count: UInt64,
        _ goal: UInt64,
        _ nanoseconds: UInt64
    ) -> UInt64 {
        let sample = min((nanoseconds + unitNanoseconds / 2) / unitNanoseconds, timeLimit)
        if count == 0 { return sample }
        // The first runs find cold caches, and helpers that have just woken.
        if count < goal { return min(known, sample) }
        if sample > 4 * max(known, 1) { return known }
        let difference = Int64(min(sample, 2 * max(known, 1))) - Int64(known)
        // Rounded away from zero, or small differences would never count.
        let step = (difference + (difference < 0 ? -7 : 7)) / 8
        return UInt64(Int64(known) + step)
    }
}

/// Where a loop's history is kept.
struct LoopKey {
    static var placeCount: Int { 4_096 }

    let place: Int
    let mark: UInt64

    /// Hashes what a loop is known by.
    @inline(__always)
    init(site: UInt, count: Int, predicted: Int) {
        // Multiplications with odd constants (the golden ratio's bits and two primes') spread all of it.
        var hash = UInt64(site) &* 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ UInt64(truncatingIfNeeded: count)) &* 0xD6E8_FEB8_6659_FD93
        hash = (hash ^ hash >> 32 ^ UInt64(truncatingIfNeeded: predicted)) &* 0xA076_1D64_78BD_642F
        place = Int(hash >> 32) & (Self.placeCount - 1)
        mark = hash >> 48 | 1
    }
}
