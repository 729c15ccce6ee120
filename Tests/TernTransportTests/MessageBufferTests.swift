import Testing
import TransportTestSupport

@testable import TernTransport

/// Fills a queue with messages of these sizes.
private func queue(_ byteCounts: [Int], from pool: BufferPool) -> OutboundQueue {
    var queue = OutboundQueue()
    for (index, byteCount) in byteCounts.enumerated() {
        guard let message = pool.message(Array(repeating: UInt8(index), count: byteCount)) else {
            preconditionFailure("the test has used up its memory")
        }
        queue.append(message, prefixByteCount: 0)
    }
    return queue
}

@Suite struct OutboundQueueTests {
    @Test func `messages leave in order, whatever the pieces`() {
        let pool = BufferPool(limitByteCount: 1 << 20)
        for step in 1...40 {
            let byteCounts = [3, 1, 20, 7, 9]
            var queue = queue(byteCounts, from: pool)
            var finished = 0
            var left = byteCounts.reduce(0, +)
            while left > 0 {
                var regions = unsafe ByteRegions()
                unsafe queue.appendRegions(to: &regions)
                #expect(unsafe regions.byteCount == left)
                let taken = min(step, left)
                finished += queue.advance(byByteCount: taken)
                left -= taken
            }
            #expect(finished == 5)
            #expect(queue.isEmpty && queue.heldByteCount == 0)
            #expect(pool.byteCountInUse == 0)
        }
    }

    @Test func `one operation takes as many messages as it has pieces`() {
        let pool = BufferPool(limitByteCount: 1 << 20)
        let queue = queue(Array(repeating: 10, count: 20), from: pool)
        var regions = unsafe ByteRegions()
        unsafe queue.appendRegions(to: &regions)
        #expect(unsafe regions.count == 8)
        #expect(unsafe regions.byteCount == 80)
    }

    @Test func `a queue that wraps and grows keeps its order`() {
        let pool = BufferPool(limitByteCount: 1 << 20)
        var queue = OutboundQueue()
        var sent: [UInt8] = []
        var next: UInt8 = 0
        for round in 0..<40 {
            for _ in 0..<(round % 7 + 1) {
                if let message = pool.message([next]) { queue.append(message, prefixByteCount: 0) }
                next &+= 1
            }
            var regions = unsafe ByteRegions()
            unsafe queue.appendRegions(to: &regions)
            for index in unsafe 0..<min(3, regions.count) {
                sent.append(unsafe regions[index].address.load(as: UInt8.self))
                _ = queue.advance(byByteCount: 1)
            }
        }
        #expect(sent == (0..<sent.count).map { UInt8(truncatingIfNeeded: $0) })
        let left = queue.removeAll()
        #expect(left == Int(next) - sent.count)
        #expect(pool.byteCountInUse == 0)
    }
}

@Suite struct BufferPoolTests {
    @Test(arguments: [0, 1, 60, 636, 637, 1 << 16, (1 << 20) - 388, 1 << 20])
    func `a frame lies 4 bytes past a line and has the bytes asked for`(_ byteCount: Int) {
        let pool = BufferPool(limitByteCount: 1 << 24)
        guard let message = pool.take(byteCount: byteCount) else {
            Issue.record("nothing was handed out")
            return
        }
        #expect(message.byteCount == byteCount)
        #expect(message.capacity >= byteCount)
        let address = unsafe UInt(bitPattern: message.frameAddress)
        #expect(address % 64 == 4)
        #expect(pool.byteCountInUse == message.heldByteCount)
    }

    @Test func `a frame can move within its memory, and a transport's prefix still fits before it`()
    {
        let pool = BufferPool(limitByteCount: 1 << 20)
        guard var message = pool.take(byteCount: 100) else {
            Issue.record("nothing was handed out")
            return
        }
        let held = message.heldByteCount
        let capacity = message.capacity
        do {
            var bytes = message.mutableBytes
            for index in 0..<100 {
                bytes.storeBytes(of: UInt8(index), toByteOffset: index, as: UInt8.self)
            }
        }
        let partOffset = message.offset(of: message.bytes.extracting(60..<100))
        #expect(partOffset == 60)

        // Before its old place, as far as the headroom goes.
        let room = MessageBuffer.headroomByteCount - MessageBuffer.prefixByteCount
        let tooFar = message.moveFrame(to: -room - 1, byteCount: 10)
        #expect(!tooFar && message.byteCount == 100 && message.capacity == capacity)
        let fits = message.moveFrame(to: -room, byteCount: room + 100)
        #expect(fits && message.byteCount == room + 100 && message.capacity == capacity + room)
        #expect(message.bytes.byte(at: room + 99) == 99)
        #expect(message.heldByteCount == held)
        // Behind it, and no further than the memory goes.
        let behind = message.moveFrame(to: room + 60, byteCount: 40)
        #expect(behind && message.bytes.byte(at: 0) == 60 && message.bytes.byte(at: 39) == 99)
        #expect(message.heldByteCount == held)
        let tooLong = message.moveFrame(to: 0, byteCount: message.capacity + 1)
        #expect(!tooLong)
    }

    @Test func `bytes of another message are not a part of a frame`() {
        let pool = BufferPool(limitByteCount: 1 << 20)
        guard let first = pool.take(byteCount: 100), let second = pool.take(byteCount: 100) else {
            Issue.record("nothing was handed out")
            return
        }
        #expect(first.offset(of: second.bytes) == nil)
        #expect(first.offset(of: first.bytes) == 0)
    }

    @Test func `no more than the limit is handed out at one time`() {
        let pool = BufferPool(limitByteCount: 4096)
        let isFull: Bool
        do {
            let first = pool.take(byteCount: 1000)
            let second = pool.take(byteCount: 1000)
            isFull = pool.take(byteCount: 1000) == nil
            _ = (first != nil, second != nil)
            _ = consume first
            _ = consume second
        }
        #expect(isFull)
        #expect(pool.byteCountInUse == 0)
        let again = pool.take(byteCount: 3000) != nil
        #expect(again)
        let tooLarge = pool.take(byteCount: 4097) == nil
        #expect(tooLarge)
    }
}
