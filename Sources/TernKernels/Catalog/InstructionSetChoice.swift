internal import CTernCPU
internal import Glibc
package import TernMicrokernels

/// One instruction set that there are kernels for, and whether this process uses it.
package struct InstructionSetChoice: Sendable, CustomStringConvertible {
    /// `portable`, `v3` or `v4`, as `TERN_ISA` spells it.
    package let name: String
    /// What a processor needs to run it.
    package let needs: String
    /// Its kernels; `nil` if this machine can't run them.
    package let table: KernelTable?

    /// All that there are, the best last.
    package static let all: [InstructionSetChoice] = {
        let known: [(name: String, needs: String)] = [
            ("portable", "any processor"),
            ("v3", "x86-64-v3: AVX2, FMA, F16C"),
            ("v4", "x86-64-v4: AVX-512 F, BW, CD, DQ, VL; with VNNI and BF16"),
        ]
        return known.map { entry in
            InstructionSetChoice(
                name: entry.name,
                needs: entry.needs,
                table: KernelTable.available.first { $0.name.description == entry.name }
            )
        }
    }()

    /// Whether this process uses it.
    package var isUsed: Bool { KernelTable.current.name.description == name }

    /// The name, what it needs, and why it is used or not.
    package var description: String {
        let reason =
            if table == nil {
                "this processor lacks them"
            } else if isUsed {
                unsafe getenv("TERN_ISA") == nil
                    ? "used here, the best that this processor has" : "used here, TERN_ISA says so"
            } else {
                "could run here"
            }
        return "\(name) (\(needs)): \(reason)"
    }
}
