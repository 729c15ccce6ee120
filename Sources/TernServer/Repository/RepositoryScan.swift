// A repository is a folder of models, each a folder of versions, each a folder with a model file:
//
//     <root>/<name>/<version>/model.onnx, or model.tern beside it or instead
//
// Scanning looks at names and kinds of files only; it opens no model. What is out of place is
// reported beside what is good, so that one bad folder never hides the others.

/// A version of a model as it lies in a repository.
package struct RepositoryVersion: Equatable, Sendable {
    /// Its number.
    package let number: UInt64
    /// The model file, resolved; or why there is none.
    package let file: Result<String, RepositoryDefect>
}

/// A model as it lies in a repository.
package struct RepositoryModel: Equatable, Sendable {
    /// Its name.
    package let name: String
    /// Its versions, smallest number first.
    package let versions: [RepositoryVersion]
    /// What else is wrong with its folder.
    package let defects: [RepositoryDefect]
}

/// Something in a repository that is not as it should be.
package struct RepositoryDefect: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path, as seen from the repository's root.
    package let path: String
    /// What is wrong, and what was expected.
    package let reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }
}

/// What a scan of a whole repository found.
package struct RepositoryScan: Equatable, Sendable {
    /// The most versions of one model that are looked at.
    package static let versionCountLimit = 256

    /// The most models that are looked at.
    package static let modelCountLimit = 4096

    /// The models, by name.
    package let models: [RepositoryModel]
    /// What is wrong outside any model.
    package let defects: [RepositoryDefect]

    /// Looks through the repository at `root`.
    ///
    /// Names that start with a dot, and plain files beside the folders, are passed over: they are
    /// notes of people and tools. Symbolic links are followed if they end inside the repository.
    ///
    /// - Parameter root: The folder of models.
    /// - Throws: ``FileSystemError`` if the root itself cannot be read.
    package init(root: String) throws(FileSystemError) {
        let root = try FileSystem.resolved(root)
        var models: [RepositoryModel] = []
        var defects: [RepositoryDefect] = []
        for name in try FileSystem.names(in: root) where !name.hasPrefix(".") {
            if models.count == Self.modelCountLimit {
                defects.append(
                    RepositoryDefect(
                        path: name,
                        reason: "a repository has at most \(Self.modelCountLimit) models; "
                            + "this one and those after it are left out"
                    )
                )
                break
            }
            switch Self.kind(of: name, root: root) {
            case .failure(let defect): defects.append(defect)
            case .success(.folder):
                if let defect = ModelName.defect(of: name) {
                    defects.append(RepositoryDefect(path: name, reason: defect))
                } else {
                    models.append(Self.scanModel(name: name, root: root))
                }
            case .success: break
            }
        }
        self.models = models
        self.defects = defects
    }

    /// Looks through the folder of one model.
    ///
    /// - Parameters:
    ///   - name: The model's name, from anyone; it is checked before it becomes a path.
    ///   - root: The folder of models.
    /// - Returns: What lies there.
    /// - Throws: ``RepositoryDefect`` if the name is no good or there is no such folder.
    package static func model(
        named name: String,
        root: String
    ) throws(RepositoryDefect) -> RepositoryModel {
        if let defect = ModelName.defect(of: name) {
            throw RepositoryDefect(path: name, reason: defect)
        }
        let resolvedRoot: String
        do { resolvedRoot = try FileSystem.resolved(root) } catch {
            throw RepositoryDefect(path: ".", reason: error.reason)
        }
        guard try kind(of: name, root: resolvedRoot).get() == .folder else {
            throw RepositoryDefect(path: name, reason: "expected a folder of versions")
        }
        return scanModel(name: name, root: resolvedRoot)
    }

    private static func scanModel(name: String, root: String) -> RepositoryModel {
        var versions: [RepositoryVersion] = []
        var defects: [RepositoryDefect] = []
        let entries: [String]
        do { entries = try FileSystem.names(in: "\(root)/\(name)") } catch {
            let defect = RepositoryDefect(path: name, reason: error.reason)
            return RepositoryModel(name: name, versions: [], defects: [defect])
        }
        for entry in entries where !entry.hasPrefix(".") {
            let path = "\(name)/\(entry)"
            switch kind(of: path, root: root) {
            case .failure(let defect): defects.append(defect)
            case .success(.folder):
                guard let number = VersionNumber.parse(entry) else {
                    defects.append(
                        RepositoryDefect(
                            path: path,
                            reason: "expected a version number, a positive integer without "
                                + "leading zeros, as the folder's name"
                        )
                    )
                    continue
                }
                versions.append(
                    RepositoryVersion(number: number, file: modelFile(in: path, root: root))
                )
            case .success: break
            }
        }
        versions.sort { $0.number < $1.number }
        if versions.count > versionCountLimit {
            defects.append(
                RepositoryDefect(
                    path: name,
                    reason: "a model has at most \(versionCountLimit) versions, found "
                        + "\(versions.count); the oldest are left out"
                )
            )
            versions.removeFirst(versions.count - versionCountLimit)
        }
        if versions.isEmpty && defects.isEmpty {
            defects.append(
                RepositoryDefect(
                    path: name,
                    reason: "expected at least one version, such as "
                        + "\(name)/1/model.onnx, found none"
                )
            )
        }
        return RepositoryModel(name: name, versions: versions, defects: defects)
    }

    private static func modelFile(
        in folder: String,
        root: String
    ) -> Result<String, RepositoryDefect> {
        let present = ModelFile.names.first {
            (try? FileSystem.kind(of: "\(root)/\(folder)/\($0)")) != nil
        }
        // What is missing is missed by the name that most models have.
        let path = "\(folder)/\(present ?? "model.onnx")"
        switch kind(of: path, root: root) {
        case .failure(let defect): return .failure(defect)
        case .success(.file): break
        case .success:
            return .failure(RepositoryDefect(path: path, reason: "expected a file"))
        }
        do { return .success(try FileSystem.resolved("\(root)/\(path)")) } catch {
            return .failure(RepositoryDefect(path: path, reason: error.reason))
        }
    }

    /// What stands at `path`, which must not lead out of `root`.
    private static func kind(
        of path: String,
        root: String
    ) -> Result<FileSystem.Kind, RepositoryDefect> {
        let absolute = "\(root)/\(path)"
        do throws(FileSystemError) {
            guard try FileSystem.isResolved(absolute, within: root) else {
                return .failure(
                    RepositoryDefect(
                        path: path,
                        reason: "the symbolic link leads out of the repository"
                    )
                )
            }
            return .success(try FileSystem.kind(of: absolute))
        } catch {
            return .failure(RepositoryDefect(path: path, reason: error.reason))
        }
    }
}
