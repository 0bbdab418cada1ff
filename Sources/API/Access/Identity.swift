import Kubernetes

/// Who asks, and as what.
struct Identity: Hashable, Sendable {
    var name: String
    var roles: Set<Role>

    /// Roles as Antrea's aggregated ClusterRoles have them, and one more for packets.
    enum Role: String, CaseIterable, Sendable {
        /// Looks at objects.
        case view
        /// Makes, changes and deletes objects, too.
        case edit
        /// Deletes many at once, too.
        case admin
        /// Whatever lets packets be kept or looked at: besides one of the others.
        case captures
    }

    /// Everybody who can reach a server that asks for nothing.
    static let anybody = Identity(
        name: "system:anonymous", roles: Set(Role.allCases))

    func may(_ verb: ResourceKind.Verb, _ kind: ResourceKind) -> Bool {
        if kind == .packetCapture, !mayCapture { return false }
        let needed: [Role] =
            switch verb {
            case .get, .list, .watch: [.view, .edit, .admin]
            case .create, .update, .patch, .delete: [.edit, .admin]
            case .deleteCollection: [.admin]
            }
        return needed.contains(where: roles.contains)
    }

    /// Whether packets may be kept for it.
    var mayCapture: Bool { roles.contains(.captures) }

    /// Throws Forbidden.
    func demand(
        _ verb: ResourceKind.Verb, _ kind: ResourceKind, name: String?
    ) throws(APIStatus) {
        guard !may(verb, kind) else { return }
        throw refusal(kind, name, "cannot \(verb.rawValue) resource \"\(kind.plural)\"")
    }

    /// Throws Forbidden unless packets may be kept for it.
    func demandCapture(_ kind: ResourceKind, name: String) throws(APIStatus) {
        guard !mayCapture else { return }
        throw refusal(kind, name, "cannot keep packets: spec.capture needs the role captures")
    }

    private func refusal(_ kind: ResourceKind, _ name: String?, _ what: String) -> APIStatus {
        let title = name.map { " \"\($0)\"" } ?? ""
        return APIStatus(
            403, .forbidden,
            "\(kind.qualified)\(title) is forbidden: User \"\(self.name)\" \(what) in API group"
                + " \"\(kind.group)\" at the cluster scope", details: kind.details(name ?? ""))
    }
}
