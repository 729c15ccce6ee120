internal import CTernCPU
internal import Glibc
internal import TernKernelsPortable
internal import TernKernelsX86V3
internal import TernKernelsX86V4
package import TernMicrokernels

extension KernelTable {
    /// The kernels of every instruction set that this machine can run, the best last.
    package static let available: [KernelTable] = {
        var tables = [portableKernels]
        #if arch(x86_64)
        let level = tern_x86_level()
        if level >= 3 { tables.append(x86V3Kernels) }
        if level >= 4 { tables.append(x86V4Kernels) }
        #endif
        return tables
    }()

    /// The kernels this process uses: the best that the machine can run, unless the environment
    /// variable `TERN_ISA` asks for `portable`, `v3` or `v4`.
    ///
    /// The process ends with a message if `TERN_ISA` names anything else, or instructions that the
    /// machine does not have.
    package static let current: KernelTable = {
        guard let variable = unsafe getenv("TERN_ISA") else {
            return available[available.count - 1]
        }
        let wanted = unsafe String(cString: variable)
        guard let table = available.first(where: { $0.name.description == wanted }) else {
            let names = available.map(\.name.description).joined(separator: ", ")
            fatalError("TERN_ISA is \"\(wanted)\", but this machine can run: \(names)")
        }
        return table
    }()
}
