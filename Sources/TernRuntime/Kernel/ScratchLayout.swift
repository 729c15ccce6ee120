package import TernGraph

/// Divides a kernel's scratch memory into pieces, each of which begins on a cache line.
///
/// Sizes come from shapes that a model or a caller made up, so every step is checked for overflow.
package struct ScratchLayout: Sendable {
    /// How many bytes all pieces have together.
    package private(set) var byteCount = 0

    /// Starts with nothing.
    package init() {}

    /// Adds a piece.
    ///
    /// - Parameters:
    ///   - count: How many elements it has; 0 or more.
    ///   - type: What they are.
    /// - Returns: Where it begins, in bytes.
    /// - Throws: ``OperatorError`` if there can be no such memory.
    package mutating func reserve<Element>(
        _ count: Int,
        of type: Element.Type
    ) throws(OperatorError) -> Int {
        let start = byteCount
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        let (end, endOverflow) = start.addingReportingOverflow(bytes)
        let (padded, paddingOverflow) = end.addingReportingOverflow(63)
        guard count >= 0, !overflow, !endOverflow, !paddingOverflow else {
            throw OperatorError("the working memory has no size in bytes")
        }
        byteCount = padded & ~63
        return start
    }
}

extension KernelFrame {
    /// A piece of the scratch memory that a ``ScratchLayout`` gave the kernel, as elements.
    ///
    /// Two spans of the same piece must not be used at the same time.
    @_lifetime(borrow self)
    package func scratchElements<Element: BitwiseCopyable>(
        at offset: Int,
        count: Int,
        as type: Element.Type
    ) -> MutableSpan<Element> {
        let memory = unsafe scratch
        precondition(
            offset >= 0 && count >= 0
                && count <= (memory.count - offset) / MemoryLayout<Element>.stride,
            "a kernel uses scratch memory that it did not ask for"
        )
        guard let base = memory.baseAddress else {
            return unsafe _overrideLifetime(MutableSpan<Element>(), borrowing: self)
        }
        // SAFETY: the range was just checked, and any bytes make an element.
        let span = unsafe MutableSpan<Element>(
            _unsafeStart: (base + offset).assumingMemoryBound(to: type),
            count: count
        )
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
