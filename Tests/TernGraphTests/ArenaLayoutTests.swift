import Testing

@testable import TernGraph

/// Numbers that look random and are the same in every run (SplitMix64).
struct FixedRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct ArenaLayoutTests {
    @Test func `buffers that are never needed together share their bytes`() throws {
        let layout = try #require(
            ArenaLayout(placing: [
                .init(byteCount: 100, steps: 0...1), .init(byteCount: 100, steps: 2...3),
                .init(byteCount: 100, steps: 1...2),
            ])
        )
        #expect(layout.offsets[0] == layout.offsets[1])
        #expect(layout.offsets[2] == 128)
        #expect(layout.byteCount == 256)
    }

    @Test func `nothing takes no memory`() {
        #expect(ArenaLayout(placing: [])?.byteCount == 0)
        #expect(ArenaLayout(placing: [.init(byteCount: 0, steps: 0...9)])?.byteCount == 0)
    }

    @Test func `sizes beyond what can be addressed give nil`() {
        #expect(ArenaLayout(placing: [.init(byteCount: .max, steps: 0...0)]) == nil)
        let half = ArenaLayout.Request(byteCount: 1 << 62, steps: 0...0)
        #expect(ArenaLayout(placing: [half]) != nil)
        #expect(ArenaLayout(placing: [half, half]) == nil)
    }

    @Test(arguments: 0..<200)
    func `no two buffers that are needed together overlap, and none stands out`(_ seed: Int) throws
    {
        var random = FixedRandom(state: UInt64(seed))
        let requests = (0..<Int.random(in: 1...60, using: &random)).map { _ in
            let first = Int.random(in: 0..<40, using: &random)
            let last = Int.random(in: first..<min(40, first + 12), using: &random)
            let byteCount = Int.random(in: 0..<5000, using: &random)
            return ArenaLayout.Request(byteCount: byteCount, steps: first...last)
        }
        let layout = try #require(ArenaLayout(placing: requests))
        #expect(layout == ArenaLayout(placing: requests))
        for (index, request) in requests.enumerated() {
            let offset = layout.offsets[index]
            #expect(offset % 64 == 0 && offset >= 0)
            #expect(offset + request.byteCount <= layout.byteCount)
            for (other, otherRequest) in requests.enumerated().dropFirst(index + 1) {
                guard request.steps.overlaps(otherRequest.steps) else { continue }
                let range = offset..<(offset + request.byteCount)
                let otherOffset = layout.offsets[other]
                let otherRange = otherOffset..<(otherOffset + otherRequest.byteCount)
                #expect(!range.overlaps(otherRange))
            }
        }
        // Never more than without sharing, never less than what is needed at one time.
        let aligned = requests.map { ($0.byteCount + 63) / 64 * 64 }
        #expect(layout.byteCount <= aligned.reduce(0, +))
        let peak = (0..<40).map { step in
            zip(requests, aligned).reduce(0) { $0 + ($1.0.steps.contains(step) ? $1.1 : 0) }
        }.max()
        #expect(layout.byteCount >= peak ?? 0)
    }
}
