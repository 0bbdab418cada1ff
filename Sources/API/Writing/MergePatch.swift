import Kubernetes

extension JSONValue {
    /// The value with a merge patch applied (RFC 7396): objects are merged, null takes away,
    /// everything else replaces.
    func merged(with patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var entries = self.entries
        for (key, change) in changes {
            entries[key] = change.isNull ? nil : (entries[key] ?? .null).merged(with: change)
        }
        return .object(entries)
    }
}
