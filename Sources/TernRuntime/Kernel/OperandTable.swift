/// A table of slots for kernels, of a fixed length, owned by the object.
@safe final class OperandTable {
    /// How many slots there are.
    let count: Int

    /// The first slot.
    @unsafe let baseAddress: UnsafeMutablePointer<OperandSlot>

    /// What an operand that is left out points at: no kernel looks, since the slot is empty.
    @unsafe private let nothing: UnsafeMutableRawPointer

    /// Makes a table of empty slots.
    init(count: Int) {
        self.count = count
        unsafe nothing = .allocate(byteCount: 64, alignment: 64)
        unsafe baseAddress = .allocate(capacity: max(count, 1))
        // SAFETY: the allocation above has room for `count` slots.
        unsafe baseAddress.initialize(
            repeating: OperandSlot(nothing, byteCount: 0),
            count: count
        )
    }

    deinit {
        unsafe baseAddress.deallocate()
        unsafe nothing.deallocate()
    }

    /// The slot at `index`.
    subscript(index: Int) -> OperandSlot {
        get {
            precondition(index >= 0 && index < count, "no such slot")
            return unsafe baseAddress[index]
        }
        set {
            precondition(index >= 0 && index < count, "no such slot")
            unsafe baseAddress[index] = newValue
        }
    }
}
