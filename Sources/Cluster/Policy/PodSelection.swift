/// Which Pods are meant.
enum PodSelection: Hashable, Sendable {
    /// Pods by their labels, in namespaces of a choice; without a selector all of these.
    case labels(LabelSelector?, in: NamespaceChoice)
    case serviceAccount(namespace: String, name: String)
    /// Whom the group holds; nobody until there is one of the name.
    case group(GroupName)

    enum NamespaceChoice: Hashable, Sendable {
        case all
        case named(String)
        case matching(LabelSelector)
        /// The namespace of the Pod that the policy is applied to (Antrea's `match: Self`).
        case subjects
        /// Namespaces with the same values of these labels as the subject's; without all of the
        /// labels there are none (Antrea's `sameLabels`).
        case sharing([String])
        /// Namespaces that differ from the subject's in one of these (`notSameLabels`).
        case notSharing([String])

        /// Whether the choice depends on whom the policy is applied to.
        var isRelative: Bool {
            switch self {
            case .all, .named, .matching: false
            case .subjects, .sharing, .notSharing: true
            }
        }

        /// The same choice once the subject's namespace is known.
        func contains(
            _ namespace: String, subject: String?, labels: (String) -> [String: String]
        ) -> Bool {
            switch self {
            case .all: return true
            case .named(let name): return namespace == name
            case .matching(let selector): return selector.matches(labels(namespace))
            case .subjects: return namespace == subject
            case .sharing(let keys):
                guard let subject else { return false }
                let (own, other) = (labels(subject), labels(namespace))
                return keys.allSatisfy { own[$0] != nil && own[$0] == other[$0] }
            case .notSharing(let keys):
                guard let subject else { return false }
                let (own, other) = (labels(subject), labels(namespace))
                return keys.contains { own[$0] != other[$0] }
            }
        }
    }

    var isRelative: Bool {
        switch self {
        case .labels(_, let namespaces): namespaces.isRelative
        case .serviceAccount, .group: false
        }
    }
}
