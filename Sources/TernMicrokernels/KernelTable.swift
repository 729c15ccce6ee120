/// The kernels of one instruction set.
package struct KernelTable: Sendable {
    /// `portable`, `v3` or `v4`, as `TERN_ISA` spells it.
    package let name: StaticString
    /// The columns of one packed panel of B.
    package let panelWidth: Int
    package init(name: StaticString, panelWidth: Int) {
        self.name = name; self.panelWidth = panelWidth
    }
}
