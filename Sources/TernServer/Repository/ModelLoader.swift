internal import Dispatch
internal import Logging
internal import Synchronization
internal import TernThreadPool
internal import TernTransport
internal import TernWire

// One thread reads, compiles and frees models; requests never do. It is the only one that changes
// the catalog, so what it reads there stays true while it works.

/// Brings models into the catalog and takes them out again.
internal final class ModelLoader: Sendable {
    /// A change that a client asks for.
    enum Order: Sendable, Equatable {
        /// Read a model's versions from the repository again, or one of them.
        case load(ModelReference)
        /// Take a model out, or one of its versions.
        case unload(ModelReference)
    }

    private let configuration: ServerConfiguration
    private let catalog: ModelCatalog
    private let pool: ThreadPool
    private let log: ServerLog
    private let taker: any TurnTaker
    private let queue = DispatchQueue(label: "tern.loader", qos: .utility)
    private let waitingCount = Atomic<Int>(0)
    /// Models out of the catalog that requests in flight may still hold.
    private let retired = Locked<[ServedModel]>([])

    private var limits: ServerLimits { configuration.limits }

    init(
        configuration: ServerConfiguration,
        catalog: ModelCatalog,
        pool: ThreadPool,
        log: ServerLog,
        taker: any TurnTaker
    ) {
        self.configuration = configuration
        self.catalog = catalog
        self.pool = pool
        self.log = log
        self.taker = taker
    }

    // MARK: - At the start

    /// Loads everything there is; what cannot be loaded is in the catalog with its reason.
    ///
    /// - Returns: What is wrong, one sentence for each thing.
    func loadAll() throws(ServerStartError) -> [String] {
        try loadEmbeddedModels()
        guard let root = configuration.modelsDirectory else { return catalogDefects }
        let scan: RepositoryScan
        do throws(FileSystemError) { scan = try RepositoryScan(root: root) } catch {
            throw .repository(error)
        }
        let taken = Set(configuration.embeddedModels.map(\.name))
        var defects = scan.defects.map(\.description)
        for model in scan.models {
            guard !taken.contains(model.name) else {
                defects.append("\(model.name): the program brings a model of that name along")
                continue
            }
            _ = load(model, only: nil)
        }
        for defect in defects { log.write(.warning, "left out of the repository", ["why": defect]) }
        return defects + catalogDefects
    }

    private func loadEmbeddedModels() throws(ServerStartError) {
        let byName = Dictionary(grouping: configuration.embeddedModels, by: \.name)
        for (name, models) in byName.sorted(by: { $0.key < $1.key }) {
            if let defect = ModelName.defect(of: name) {
                throw .configuration(reason: "\(defect): '\(name)'")
            }
            let load = ModelLoad(inFlightLimit: limits.inFlightCountPerModel)
            var versions: [(number: UInt64, state: VersionState)] = []
            for model in models {
                guard model.version >= 1, model.version <= UInt64(Int64.max),
                    !versions.contains(where: { $0.number == model.version })
                else {
                    throw .configuration(
                        reason: "'\(name)' must have different versions, from 1 on"
                    )
                }
                let state: VersionState
                do throws(ExecutionFailure) {
                    let executable =
                        switch model.contents {
                        case .executable(let executable): executable
                        case .onnx(let bytes):
                            try configuration.reader.read(.bytes(bytes), pool: pool)
                        }
                    state = .available(
                        try serve(executable, name: name, version: model.version, load: load)
                    )
                } catch {
                    state = .unavailable(reason: error.reason)
                }
                report(name, model.version, state)
                versions.append((model.version, state))
            }
            let entry = ModelEntry(name: name, versions: versions, defects: [], load: load)
            catalog.update { $0.replacing(entry) }
        }
    }

    /// What is wrong with the models in the catalog.
    private var catalogDefects: [String] {
        catalog.table.entries.flatMap { entry in
            entry.defects.map { "\(entry.name): \($0)" }
                + entry.versions.compactMap { version in
                    guard case .unavailable(let reason) = version.state else { return nil }
                    return "\(entry.name) version \(version.number): \(reason)"
                }
        }
    }

    // MARK: - Later

    /// Takes an order; `completion` is run on the loader's thread, with what went wrong.
    ///
    /// - Returns: `false`, and `completion` never runs, if too many wait.
    func submit(
        _ order: Order,
        completion: @escaping @Sendable (RequestFailure?) -> Void
    ) -> Bool {
        let before = waitingCount.wrappingAdd(1, ordering: .relaxed).oldValue
        guard before < limits.waitingLoadCount else {
            waitingCount.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        queue.async { [self] in
            let failure: RequestFailure?
            do throws(RequestFailure) {
                switch order {
                case .load(let model): try load(model)
                case .unload(let model): try unload(model)
                }
                failure = nil
            } catch {
                failure = error
            }
            waitingCount.wrappingSubtract(1, ordering: .relaxed)
            completion(failure)
        }
        return true
    }

    /// Waits until every order so far is carried out.
    func finish() { queue.sync {} }

    /// How many models are out of the catalog and not yet freed.
    var retiredCount: Int { retired.withLock { $0.count } }

    private func load(_ reference: ModelReference) throws(RequestFailure) {
        let name = reference.name
        let version = try self.version(of: reference)
        guard let root = configuration.modelsDirectory, !isEmbedded(name) else {
            guard isEmbedded(name) else { throw ModelTable.noModel(name) }
            throw RequestFailure(
                .failedPrecondition,
                "the model '\(name)' is part of the server and cannot be loaded again",
                subject: "model '\(name)'",
                expected: "a model of the repository",
                found: "one that the program brings along"
            )
        }
        let model: RepositoryModel
        do throws(RepositoryDefect) {
            model = try RepositoryScan.model(named: name, root: root)
        } catch {
            throw RequestFailure(
                .notFound,
                "there is no model '\(name)' in the repository: \(error.reason)",
                subject: "model '\(name)'",
                expected: "a folder of that name with one folder for each version",
                found: error.reason
            )
        }
        if let version, !model.versions.contains(where: { $0.number == version }) {
            throw RequestFailure(
                .notFound,
                "the model '\(name)' has no version \(version) in the repository",
                subject: "version \(version) of model '\(name)'",
                expected: "one of "
                    + model.versions.map { String($0.number) }.joined(separator: ", "),
                found: String(version)
            )
        }
        let problems = load(model, only: version)
        guard problems.isEmpty else {
            throw RequestFailure(
                .failedPrecondition,
                "the model '\(name)' could not be loaded: " + problems.joined(separator: "; "),
                subject: "model '\(name)'",
                expected: "READY",
                found: "UNAVAILABLE"
            )
        }
    }

    private func unload(_ reference: ModelReference) throws(RequestFailure) {
        let version = try self.version(of: reference)
        guard let entry = catalog.table.entry(named: reference.name) else {
            throw ModelTable.noModel(reference.name)
        }
        if let version, entry.state(ofVersion: version) == nil {
            throw entry.noVersion(version)
        }
        let versions = entry.versions.map { number, state in
            guard version == nil || version == number else { return (number, state) }
            return (number, VersionState.unavailable(reason: "unloaded"))
        }
        replace(entry, with: versions, defects: entry.defects)
        log.write(
            .info,
            "model unloaded",
            ["model": entry.name, "version": version.map(String.init) ?? "all"]
        )
    }

    /// The version that a reference selects; labels are not known here.
    private func version(of reference: ModelReference) throws(RequestFailure) -> UInt64? {
        switch reference.selection {
        case .automatic: return nil
        case .version(let version): return version
        case .label(let label):
            guard let entry = catalog.table.entry(named: reference.name) else {
                throw ModelTable.noModel(reference.name)
            }
            throw entry.noLabel(label)
        }
    }

    private func isEmbedded(_ name: String) -> Bool {
        configuration.embeddedModels.contains { $0.name == name }
    }

    // MARK: - Reading a model

    /// Reads a model's versions, or one of them, and puts them into the catalog.
    ///
    /// A version that can no longer be loaded goes on serving as it was loaded before; one whose
    /// folder is gone is taken out.
    ///
    /// - Returns: What is wrong with those that were read.
    private func load(_ model: RepositoryModel, only version: UInt64?) -> [String] {
        let old = catalog.table.entry(named: model.name)
        let load = old?.load ?? ModelLoad(inFlightLimit: limits.inFlightCountPerModel)
        markLoading(model, only: version, old: old, load: load)
        var problems: [String] = []
        var versions: [(number: UInt64, state: VersionState)] = []
        for found in model.versions {
            let before = old?.state(ofVersion: found.number)
            guard version == nil || version == found.number else {
                if let before { versions.append((found.number, before)) }
                continue
            }
            var state = read(found, name: model.name, load: load)
            report(model.name, found.number, state)
            if case .unavailable(let reason) = state {
                problems.append("version \(found.number): \(reason)")
                if case .available = before, let before { state = before }
            }
            versions.append((found.number, state))
        }
        let entry = ModelEntry(
            name: model.name,
            versions: versions,
            defects: model.defects.map(\.description),
            load: load
        )
        catalog.update { $0.replacing(entry) }
        retireModels(of: old, missingFrom: entry)
        for defect in entry.defects {
            log.write(.warning, "left out of the repository", ["why": defect])
        }
        return problems + (versions.isEmpty ? entry.defects : [])
    }

    /// Shows versions that are new as being loaded, while they are.
    private func markLoading(
        _ model: RepositoryModel,
        only version: UInt64?,
        old: ModelEntry?,
        load: ModelLoad
    ) {
        var versions = old?.versions ?? []
        for found in model.versions where version == nil || version == found.number {
            if case .available = old?.state(ofVersion: found.number) { continue }
            versions.removeAll { $0.number == found.number }
            versions.append((found.number, .loading))
        }
        let entry = ModelEntry(
            name: model.name,
            versions: versions,
            defects: old?.defects ?? [],
            load: load
        )
        catalog.update { $0.replacing(entry) }
    }

    private func read(
        _ version: RepositoryVersion,
        name: String,
        load: ModelLoad
    ) -> VersionState {
        do throws(ExecutionFailure) {
            let path: String
            switch version.file {
            case .success(let file): path = file
            case .failure(let defect): throw ExecutionFailure(reason: defect.reason)
            }
            guard case .file(let byteCount) = try? FileSystem.kind(of: path),
                byteCount <= limits.modelFileByteCount
            else {
                throw ExecutionFailure(
                    reason: "expected a file of at most \(limits.modelFileByteCount) bytes"
                )
            }
            let executable = try configuration.reader.read(.file(path: path), pool: pool)
            return .available(
                try serve(executable, name: name, version: version.number, load: load)
            )
        } catch {
            return .unavailable(reason: error.reason)
        }
    }

    private func serve(
        _ executable: any ExecutableModel,
        name: String,
        version: UInt64,
        load: ModelLoad
    ) throws(ExecutionFailure) -> ServedModel {
        try ServedModel(
            name: name,
            version: version,
            model: executable,
            executorCount: pool.workerCount,
            load: load,
            probe: BatchProbe(rowLimit: limits.batchRowCount),
            taker: taker
        )
    }

    private func report(_ name: String, _ version: UInt64, _ state: VersionState) {
        let metadata = ["model": name, "version": String(version)]
        switch state {
        case .available(let model):
            log.write(
                .info,
                "model ready",
                metadata.merging(["batch": "\(model.queue.rowLimit)"]) { old, _ in old }
            )
        case .loading: break
        case .unavailable(let reason):
            log.write(
                .error,
                "model unavailable",
                metadata.merging(["why": reason]) { old, _ in old }
            )
        }
    }

    // MARK: - Letting models go

    private func replace(
        _ old: ModelEntry,
        with versions: [(number: UInt64, state: VersionState)],
        defects: [String]
    ) {
        let entry = ModelEntry(
            name: old.name,
            versions: versions,
            defects: defects,
            load: old.load
        )
        catalog.update { $0.replacing(entry) }
        retireModels(of: old, missingFrom: entry)
    }

    /// Remembers the models of `old` that `new` doesn't have, to free them when they are idle.
    private func retireModels(of old: ModelEntry?, missingFrom new: ModelEntry) {
        let kept = new.availableVersions
        let gone = (old?.availableVersions ?? []).filter { model in
            !kept.contains { $0 === model }
        }
        guard !gone.isEmpty else { return }
        retired.withLock { $0 += gone }
        scheduleRelease()
    }

    private func scheduleRelease() {
        queue.asyncAfter(deadline: .now() + .milliseconds(10)) { [self] in
            if !releaseIdleModels() { scheduleRelease() }
        }
    }

    /// Frees retired models that nobody else holds: a model's memory is given back here, and not on
    /// the worker that happens to finish its last request.
    ///
    /// - Returns: Whether none is left.
    private func releaseIdleModels() -> Bool {
        retired.withLock { models in
            var index = 0
            while index < models.count {
                if isKnownUniquelyReferenced(&models[index]) {
                    models.remove(at: index)
                } else {
                    index += 1
                }
            }
            return models.isEmpty
        }
    }
}
