internal import TernTransport
package import TernWire

extension ModelTable {
    /// Finds the model that a request means, and that it can be called.
    ///
    /// Allocates nothing unless it throws.
    ///
    /// - Parameters:
    ///   - name: The name, UTF-8.
    ///   - version: The version; `nil` for the latest that answers.
    ///   - label: The label.
    /// - Returns: The model.
    /// - Throws: ``RequestFailure`` that says what is not there, and what is.
    package func model(
        named name: RawSpan,
        version: UInt64?,
        label: RawSpan?
    ) throws(RequestFailure) -> ServedModel {
        guard let entry = entry(named: name) else { throw Self.noModel(name.text) }
        if let label { throw entry.noLabel(label.text) }
        guard let version else {
            guard let latest = entry.latest else { throw entry.noVersionAnswers }
            return latest
        }
        switch entry.state(ofVersion: version) {
        case .available(let model): return model
        case .loading: throw entry.isLoading(version)
        case .unavailable(let reason): throw entry.isUnavailable(version, reason: reason)
        case nil: throw entry.noVersion(version)
        }
    }

    /// The same for calls that are not on the hot path.
    package func model(_ reference: ModelReference) throws(RequestFailure) -> ServedModel {
        guard let entry = entry(named: reference.name) else { throw Self.noModel(reference.name) }
        switch reference.selection {
        case .automatic:
            guard let latest = entry.latest else { throw entry.noVersionAnswers }
            return latest
        case .label(let label): throw entry.noLabel(label)
        case .version(let version):
            switch entry.state(ofVersion: version) {
            case .available(let model): return model
            case .loading: throw entry.isLoading(version)
            case .unavailable(let reason): throw entry.isUnavailable(version, reason: reason)
            case nil: throw entry.noVersion(version)
            }
        }
    }

    package static func noModel(_ name: String) -> RequestFailure {
        RequestFailure(
            .notFound,
            "there is no model '\(name)'",
            subject: "model '\(name)'",
            expected: "the name of a model in the repository",
            found: "'\(name)'"
        )
    }
}

extension ModelEntry {
    package func noLabel(_ label: String) -> RequestFailure {
        RequestFailure(
            .notFound,
            "the model '\(name)' has no label '\(label)'",
            subject: "label '\(label)' of model '\(name)'",
            expected: "a version number, or neither version nor label",
            found: "'\(label)'"
        )
    }

    package func noVersion(_ version: UInt64) -> RequestFailure {
        RequestFailure(
            .notFound,
            "the model '\(name)' has no version \(version)",
            subject: "version \(version) of model '\(name)'",
            expected: "one of " + versions.map { String($0.number) }.joined(separator: ", "),
            found: String(version)
        )
    }

    fileprivate var noVersionAnswers: RequestFailure {
        for case (let number, .unavailable(let reason)) in versions.reversed() {
            return isUnavailable(number, reason: reason)
        }
        if let loading = versions.last { return isLoading(loading.number) }
        return RequestFailure(
            .failedPrecondition,
            "the model '\(name)' has no version",
            subject: "model '\(name)'",
            expected: "at least one version",
            found: defects.isEmpty ? "none" : defects.joined(separator: "; ")
        )
    }

    fileprivate func isLoading(_ version: UInt64) -> RequestFailure {
        RequestFailure(
            .unavailable,
            "version \(version) of the model '\(name)' is being loaded",
            subject: "version \(version) of model '\(name)'",
            expected: "READY",
            found: "LOADING",
            retryAfterMicroseconds: 100_000
        )
    }

    fileprivate func isUnavailable(_ version: UInt64, reason: String) -> RequestFailure {
        RequestFailure(
            .failedPrecondition,
            "version \(version) of the model '\(name)' doesn't answer: \(reason)",
            subject: "version \(version) of model '\(name)'",
            expected: "READY",
            found: "UNAVAILABLE"
        )
    }
}
