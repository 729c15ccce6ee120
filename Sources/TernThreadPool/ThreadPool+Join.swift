internal import CTernCPU

// Fork and join. The fork is a descriptor in the forker's frame; its address, tagged with the root,
// is pushed on the forker's deque. Nested forks push and pop in pairs, so when `first` has returned
// the newest entry is ours, or the deque is empty because thieves, who take the oldest, have taken
// everything up to and including ours.
//
//     offered   on the deque; forker and thieves compete for the entry (ChaseLevDeque.swift)
//     taken     exactly one thread runs `second`: the forker, or a thief, who leaves the latch when
//               it is done; that is its last touch of the descriptor
//     done      the forker returns, and the descriptor ends
//
// A thief reads the descriptor only after it owns the entry, while the forker cannot have returned.

extension ThreadPool {
    /// Runs both closures, perhaps at the same time, and returns when both are done.
    ///
    /// `second` is offered to idle workers while this thread runs `first`; if nobody took it, this
    /// thread runs it too. Allocates nothing, may be nested to any depth.
    ///
    /// - Parameters:
    ///   - predictedSerialNanoseconds: What both would take on one thread, if known. Below about
    ///     4 µs both run here; below about 100 µs no sleeping worker is woken (``HandOffCosts``).
    ///     Unknown, one may be woken.
    ///   - first: What this thread does.
    ///   - second: What another thread may do.
    package func join(
        predictedSerialNanoseconds: Int? = nil,
        _ first: () -> Void,
        _ second: () -> Void
    ) {
        let predicted = predictedSerialNanoseconds ?? .max
        guard predicted >= core.sharingThresholdNanoseconds,
            shareFork(predicted, first, second)
        else {
            first()
            second()
            return
        }
    }

    private func shareFork(_ predicted: Int, _ first: () -> Void, _ second: () -> Void) -> Bool {
        let core = core
        guard core.workerCount > 0 else { return false }
        var isShared = false
        let hasPlace = unsafe core.withParticipant { participant in
            guard core.workerCount > 1 || (unsafe participant.pointee.index >= core.workerCount)
            else { return }
            isShared = true
            var fork = unsafe OwnedFork(
                core: core,
                participant: participant,
                mayWake: predicted >= core.wakingThresholdNanoseconds
            )
            unsafe withUnsafeMutablePointer(to: &fork) { pointer in
                unsafe withClosureWords(
                    first,
                    second,
                    { firstCode, firstContext, secondCode, secondContext, state in
                        // SAFETY: the state is the fork above.
                        let fork = unsafe state!.assumingMemoryBound(to: OwnedFork.self)
                        unsafe fork.pointee.run(
                            ClosureWords(code: firstCode, context: firstContext),
                            ClosureWords(code: secondCode, context: secondContext)
                        )
                    },
                    pointer
                )
            }
        }
        return hasPlace && isShared
    }
}

/// What a thief needs to know of a fork.
struct ForkDescriptor: ~Copyable {
    let second: ClosureWords
    let latch = Latch<PoolWord>(inside: 1)

    /// The fork's address, tagged with `root`: what goes on the deque.
    static func entry(_ descriptor: UnsafeMutablePointer<ForkDescriptor>, root: UInt64) -> UInt64 {
        let address = UInt64(UInt(bitPattern: descriptor))
        precondition(address >> 48 == 0, "a stack is above the first 256 TiB of memory")
        return address | root << 48
    }
}

/// A fork as its owner sees it.
@safe private struct OwnedFork {
    let core: PoolCore
    let participant: ParticipantPointer
    let mayWake: Bool

    func run(_ first: ClosureWords, _ second: ClosureWords) {
        var descriptor = ForkDescriptor(second: second)
        unsafe withUnsafeMutablePointer(to: &descriptor) { descriptor in
            let entry = unsafe ForkDescriptor.entry(descriptor, root: participant.pointee.root)
            guard unsafe participant.pointee.deque.push(entry) else {
                // Full: there is plenty for others to take already.
                first.call()
                second.call()
                return
            }
            if mayWake, unsafe core.storage.pointee.sleep.needsWaking {
                core.wakeOne()
            }
            first.call()
            let newest = unsafe participant.pointee.deque.pop()
            if newest == entry {
                second.call()
            } else {
                precondition(newest == 0, "a fork was left on the deque")
                unsafe core.wait(participant, for: descriptor.pointee.latch)
            }
        }
    }
}

extension PoolCore {
    /// Runs the fork that `entry` stands for; the calling thread has just taken it.
    func runStolen(_ participant: ParticipantPointer, _ entry: UInt64) {
        // SAFETY: the forker waits until we leave the latch, so its frame is alive.
        let descriptor = unsafe UnsafeMutablePointer<ForkDescriptor>(
            bitPattern: UInt(entry & (1 << 48 - 1))
        )!
        let ownRoot = unsafe participant.pointee.root
        unsafe participant.pointee.root = entry >> 48
        unsafe descriptor.pointee.second.call()
        unsafe participant.pointee.root = ownRoot
        unsafe descriptor.pointee.latch.leave()
    }
}
