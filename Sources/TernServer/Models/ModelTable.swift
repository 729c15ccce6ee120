internal import TernWire

/// How one version of a model stands.
package enum VersionState: Sendable {
    /// It is being read and made ready.
    case loading
    /// It answers.
    case available(ServedModel)
    /// It doesn't answer, for this reason.
    case unavailable(reason: String)
}

/// A model with all its versions; immutable.
package final class ModelEntry: Sendable {
    /// The name.
    package let name: String
    /// Its versions, smallest number first.
    package let versions: [(number: UInt64, state: VersionState)]
    /// What is wrong with the model beside its versions.
    package let defects: [String]
    /// How busy it is.
    package let load: ModelLoad
    /// The newest version that answers: what callers get who don't name one.
    package let latest: ServedModel?

    /// Makes an entry; sorts the versions.
    package init(
        name: String,
        versions: [(number: UInt64, state: VersionState)],
        defects: [String],
        load: ModelLoad
    ) {
        self.name = name
        self.versions = versions.sorted { $0.number < $1.number }
        self.defects = defects
        self.load = load
        var latest: ServedModel?
        for case (_, .available(let model)) in self.versions { latest = model }
        self.latest = latest
    }

    /// The versions that answer, smallest number first.
    package var availableVersions: [ServedModel] {
        versions.compactMap { if case .available(let model) = $0.state { model } else { nil } }
    }

    /// How the version with the given number stands; `nil` if there is none.
    package func state(ofVersion number: UInt64) -> VersionState? {
        for version in versions where version.number == number { return version.state }
        return nil
    }
}

/// Every model of a server at one moment; immutable, so that it is read without locks.
///
/// Names are found by their bytes in a table with open addressing; looking up allocates nothing.
package final class ModelTable: Sendable {
    /// The entries, by name.
    package let entries: [ModelEntry]

    /// Indices of `entries`; -1 is empty.
    ///
    /// A power of two, at most half full.
    private let buckets: [Int]

    /// Makes a table; no two entries may have the same name.
    package init(entries: [ModelEntry] = []) {
        self.entries = entries.sorted { $0.name < $1.name }
        var bucketCount = 8
        while bucketCount < 2 * entries.count { bucketCount *= 2 }
        var buckets = Array(repeating: -1, count: bucketCount)
        for (index, entry) in self.entries.enumerated() {
            var bucket = Self.hash(entry.name) & (bucketCount - 1)
            while buckets[bucket] >= 0 {
                precondition(
                    self.entries[buckets[bucket]].name != entry.name,
                    "two models of one name stand in a table"
                )
                bucket = (bucket + 1) & (bucketCount - 1)
            }
            buckets[bucket] = index
        }
        self.buckets = buckets
    }

    /// Finds the model whose name has these bytes.
    package func entry(named name: RawSpan) -> ModelEntry? {
        var bucket = Self.hash(name) & (buckets.count - 1)
        while buckets[bucket] >= 0 {
            let entry = entries[buckets[bucket]]
            if name.spells(entry.name) { return entry }
            bucket = (bucket + 1) & (buckets.count - 1)
        }
        return nil
    }

    /// Finds a model by name, where a string is at hand.
    package func entry(named name: String) -> ModelEntry? {
        entries.first { $0.name == name }
    }

    /// The table with `entry` in place of the one of the same name.
    package func replacing(_ entry: ModelEntry) -> ModelTable {
        ModelTable(entries: entries.filter { $0.name != entry.name } + [entry])
    }

    /// The table without the model of the given name.
    package func removing(name: String) -> ModelTable {
        ModelTable(entries: entries.filter { $0.name != name })
    }

    /// FNV-1a.
    ///
    /// A peer cannot choose what is in the table, so collisions cannot be provoked beyond one walk
    /// over entries that the operator named.
    private static func hash(_ bytes: RawSpan) -> Int {
        var hash = seed
        for offset in 0..<bytes.byteCount { hash = mix(hash, bytes.byte(at: offset)) }
        return finish(hash)
    }

    private static func hash(_ name: String) -> Int {
        finish(name.utf8.reduce(seed, mix))
    }

    private static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

    private static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    private static func finish(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash ^ (hash >> 32)) & Int.max
    }
}
