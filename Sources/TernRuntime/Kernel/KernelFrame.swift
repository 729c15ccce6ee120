package import TernKernels
package import TernTensor

/// One place that a kernel reads or writes: where it is and how long.
@safe package struct OperandSlot: BitwiseCopyable {
    /// The first byte.
    @unsafe package var address: UnsafeMutableRawPointer
    /// How many bytes there are.
    package var byteCount: Int

    @unsafe package init(_ address: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe self.address = address
        self.byteCount = byteCount
    }
}

/// What a kernel works on in one call: its operands' memory, and the threads that may help.
///
/// The operands lie side by side in a table: the inputs, then the outputs, then the scratch memory.
/// An operand that is left out is an empty slot. Every slot is as long as the operand's type and
/// shape said when the kernel was made, so that a kernel that was made for these shapes stays inside
/// its memory; the spans check it again.
@safe package struct KernelFrame {
    @unsafe private let slots: UnsafePointer<OperandSlot>
    private let inputCount: Int
    private let outputCount: Int
    /// The call that the kernel runs in, for frames that the kernel makes itself.
    @unsafe package let call: UnsafePointer<CallContext>

    /// Where to run.
    ///
    /// It is lent, not copied: a context holds a table of a dozen functions, and copying it for
    /// every node would cost more than many nodes do.
    package var context: KernelContext {
        @inline(__always)
        _read {
            // SAFETY: whoever made the frame keeps the context during the call.
            yield unsafe call.pointee.kernels
        }
    }

    /// Describes the operands of one call.
    ///
    /// - Parameters:
    ///   - slots: `inputCount + outputCount + 1` slots that stay valid during the call.
    ///   - inputCount: How many of them are inputs.
    ///   - outputCount: How many of them are outputs.
    ///   - call: The call; stays valid during it.
    @unsafe @inline(__always)
    package init(
        slots: UnsafePointer<OperandSlot>,
        inputCount: Int,
        outputCount: Int,
        call: UnsafePointer<CallContext>
    ) {
        unsafe self.slots = slots
        self.inputCount = inputCount
        self.outputCount = outputCount
        unsafe self.call = call
    }

    /// The same call with its operands somewhere else.
    ///
    /// - Parameter slots: As many slots as the frame has, which stay valid during the call.
    /// - Returns: The frame with these slots.
    @unsafe package func moved(to slots: UnsafePointer<OperandSlot>) -> KernelFrame {
        unsafe KernelFrame(
            slots: slots,
            inputCount: inputCount,
            outputCount: outputCount,
            call: call
        )
    }

    @inline(__always)
    private func slot(input index: Int) -> OperandSlot {
        precondition(index >= 0 && index < inputCount, "a kernel reads an input that is not there")
        // SAFETY: the table has this many slots, as its maker promised.
        return unsafe slots[index]
    }

    @inline(__always)
    private func slot(output index: Int) -> OperandSlot {
        precondition(
            index >= 0 && index < outputCount,
            "a kernel writes an output that is not there"
        )
        // SAFETY: the table has this many slots, as its maker promised.
        return unsafe slots[inputCount &+ index]
    }

    /// Whether somebody wants the call to stop.
    package var isInterrupted: Bool {
        // SAFETY: whoever made the frame keeps the context during the call.
        unsafe call.pointee.interruption?.isRequested ?? false
    }

    /// Where an input is, for handing it on to another kernel.
    @unsafe package func inputSlot(_ index: Int) -> OperandSlot { slot(input: index) }

    /// The first byte of an input.
    @unsafe @inline(__always)
    package func rawInput(_ index: Int) -> UnsafeRawPointer {
        unsafe UnsafeRawPointer(slot(input: index).address)
    }

    /// The first element of an input.
    @unsafe @inline(__always)
    package func input<Element: BitwiseCopyable>(
        _ index: Int,
        as type: Element.Type
    ) -> UnsafePointer<Element> {
        unsafe rawInput(index).assumingMemoryBound(to: type)
    }

    /// The first byte of an output.
    @unsafe @inline(__always)
    package func rawOutput(_ index: Int) -> UnsafeMutableRawPointer {
        unsafe slot(output: index).address
    }

    /// The first element of an output.
    @unsafe @inline(__always)
    package func output<Element: BitwiseCopyable>(
        _ index: Int,
        as type: Element.Type
    ) -> UnsafeMutablePointer<Element> {
        unsafe rawOutput(index).assumingMemoryBound(to: type)
    }

    /// How many bytes an input has.
    package func inputByteCount(_ index: Int) -> Int { slot(input: index).byteCount }

    /// How many bytes an output has.
    package func outputByteCount(_ index: Int) -> Int { slot(output: index).byteCount }

    /// The kernel's own memory, 64-byte aligned, as long as the kernel asked for; its contents are
    /// whatever the last user left.
    @unsafe package var scratch: UnsafeMutableRawBufferPointer {
        // SAFETY: the slot after the last output is the scratch memory's.
        let slot = unsafe slots[inputCount &+ outputCount]
        return unsafe UnsafeMutableRawBufferPointer(start: slot.address, count: slot.byteCount)
    }

    /// The elements of an input, for reading.
    @_lifetime(borrow self)
    package func elements<Element: BitwiseCopyable>(
        ofInput index: Int,
        as type: Element.Type
    ) -> Span<Element> {
        let slot = slot(input: index)
        // SAFETY: the slot has this many bytes, any of which make an element.
        let span = unsafe Span<Element>(
            _unsafeStart: UnsafeRawPointer(slot.address).assumingMemoryBound(to: type),
            count: slot.byteCount / MemoryLayout<Element>.stride
        )
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The elements of an output, for writing.
    ///
    /// Two spans of the same output must not be used at the same time.
    @_lifetime(borrow self)
    package func mutableElements<Element: BitwiseCopyable>(
        ofOutput index: Int,
        as type: Element.Type
    ) -> MutableSpan<Element> {
        let slot = slot(output: index)
        // SAFETY: the slot has this many bytes, and no other kernel runs while this one does.
        let span = unsafe MutableSpan<Element>(
            _unsafeStart: slot.address.assumingMemoryBound(to: type),
            count: slot.byteCount / MemoryLayout<Element>.stride
        )
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// A scalar or vector of whole numbers that is only known now.
    ///
    /// - Parameters:
    ///   - index: Which input.
    ///   - position: Which of its elements.
    ///   - elementType: INT64 or INT32.
    /// - Returns: The number at `position`.
    package func integer(
        ofInput index: Int,
        at position: Int = 0,
        elementType: ElementType
    ) -> Int {
        if elementType == .int32 {
            Int(elements(ofInput: index, as: Int32.self)[position])
        } else {
            Int(elements(ofInput: index, as: Int64.self)[position])
        }
    }
}
