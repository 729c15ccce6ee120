import Testing

@testable import TernThreadPool

@Suite struct ChaseLevDequeTests {
    @Test func `the owner takes the newest entry first`() {
        let deque = SharedDeque(capacity: 8)
        for entry: UInt64 in 1...5 { #expect(deque.push(entry)) }
        for entry: UInt64 in (1...5).reversed() { #expect(deque.pop() == entry) }
        #expect(deque.pop() == 0)
        #expect(deque.seemsEmpty)
    }

    @Test func `a thief takes the oldest entry first`() {
        let deque = SharedDeque(capacity: 8)
        for entry: UInt64 in 1...3 { #expect(deque.push(entry)) }
        for entry: UInt64 in 1...3 { #expect(deque.steal() == .entry(entry)) }
        #expect(deque.steal() == .nothing)
        #expect(deque.pop() == 0)
    }

    @Test(arguments: [1, 2, 3, 8, 1000])
    func `a full deque refuses the next entry and keeps the others`(_ capacity: Int) {
        let deque = SharedDeque(capacity: capacity)
        #expect(deque.capacity >= capacity)
        for entry in 0..<deque.capacity { #expect(deque.push(UInt64(entry) + 1)) }
        #expect(!deque.push(9999))
        #expect(deque.steal() == .entry(1))
        #expect(deque.push(9999))
        #expect(!deque.push(10000))
        #expect(deque.pop() == 9999)
        for entry in (1..<deque.capacity).reversed() {
            #expect(deque.pop() == UInt64(entry) + 1)
        }
        #expect(deque.pop() == 0)
    }

    @Test func `the ring can be gone round many times`() {
        let deque = SharedDeque(capacity: 4)
        for entry: UInt64 in 1...1000 {
            #expect(deque.push(entry))
            #expect(deque.push(entry + 10_000))
            #expect(deque.steal() == .entry(entry))
            #expect(deque.pop() == entry + 10_000)
        }
        #expect(deque.pop() == 0)
        #expect(deque.steal() == .nothing)
    }

    @Test func `a thief with a tag takes only entries of that tag`() {
        let deque = SharedDeque(capacity: 4)
        #expect(deque.push(7 << 48 | 1))
        #expect(deque.push(8 << 48 | 2))
        #expect(deque.steal(tagged: 8) == .nothing)
        #expect(deque.steal(tagged: 7) == .entry(7 << 48 | 1))
        #expect(deque.steal(tagged: 7) == .nothing)
        #expect(deque.steal(tagged: 0) == .entry(8 << 48 | 2))
    }

    @Test(arguments: [1, 2, 64], [1, 3])
    func `every entry is taken exactly once by its owner or one thief`(
        _ capacity: Int,
        _ thiefCount: Int
    ) {
        let count = 40_000
        let shared = SharedDeque(capacity: capacity)
        let tally = Tally(count)
        let taken = Counter()
        let thieves = (0..<thiefCount).map { _ in
            ForeignThread {
                while taken.value < count {
                    if case .entry(let entry) = shared.steal() {
                        tally.see(Int(entry) - 1)
                        taken.add()
                    }
                }
            }
        }
        var random = SeededGenerator(seed: UInt64(capacity))
        var next = 0
        while next < count || !shared.seemsEmpty {
            for _ in 0..<Int.random(in: 1...4, using: &random) where next < count {
                if !shared.push(UInt64(next) + 1) {
                    tally.see(next)
                    taken.add()
                }
                next += 1
            }
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let entry = shared.pop()
                if entry == 0 { break }
                tally.see(Int(entry) - 1)
                taken.add()
            }
        }
        for thief in thieves { thief.join() }
        #expect(tally.wrong.isEmpty)
    }
}
