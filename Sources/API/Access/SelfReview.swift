import Kubernetes

/// What clients ask of themselves: `kubectl auth whoami` and `kubectl auth can-i`.
enum SelfReview {
    static func who(_ identity: Identity) -> JSONValue {
        let groups = identity.roles.map { JSONValue.string($0.rawValue) }
            .sorted { ($0.text ?? "") < ($1.text ?? "") }
        return [
            "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
            "metadata": [:],
            "status": [
                "userInfo": ["username": .string(identity.name), "groups": .array(groups)]
            ],
        ]
    }

    static func access(_ review: JSONValue, _ identity: Identity) throws(APIStatus) -> JSONValue {
        let asked = review["spec"]["resourceAttributes"]
        let (group, plural) = (asked["group"].text ?? "", asked["resource"].text ?? "")
        let kind = ResourceKind.allCases.first { $0.group == group && $0.plural == plural }
        let verb = ResourceKind.Verb(rawValue: asked["verb"].text ?? "")
        var isAllowed = false
        if let kind, let verb {
            isAllowed = kind.verbs.contains(verb) && identity.may(verb, kind)
        }
        return .of([
            "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
            "metadata": [:], "spec": review["spec"], "status": ["allowed": .bool(isAllowed)],
        ])
    }
}
