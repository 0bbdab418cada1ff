import Kubernetes

/// What clients ask to learn which kinds there are (k8s.io/apimachinery, meta/v1).
enum Discovery {
    /// The Kubernetes version whose ways the server follows.
    static func version(_ own: String) -> JSONValue {
        [
            "major": "1", "minor": "32", "gitVersion": .string("v1.32.0+tracectl.\(own)"),
            "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "", "compiler": "swift", "platform": "linux/amd64",
        ]
    }

    /// `/api`
    static let coreVersions: JSONValue = [
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": ""]],
    ]

    /// `/apis`
    static let groups: JSONValue = [
        "kind": "APIGroupList", "apiVersion": "v1",
        "groups": .array(APIGroup.all.map { group($0) }),
    ]

    /// `/apis/GROUP`
    static func single(_ group: APIGroup) -> JSONValue {
        var value = self.group(group)
        value["kind"] = "APIGroup"
        value["apiVersion"] = "v1"
        return value
    }

    private static func group(_ group: APIGroup) -> JSONValue {
        let versions = group.versions.map { version -> JSONValue in
            ["groupVersion": .string("\(group.name)/\(version)"), "version": .string(version)]
        }
        return .of([
            "name": .string(group.name), "versions": .array(versions),
            "preferredVersion": versions.first,
        ])
    }

    /// `/apis/GROUP/VERSION`
    static func resources(_ group: APIGroup, _ version: String) -> JSONValue {
        let kinds = ResourceKind.all(in: group.name).filter { $0.versions.contains(version) }
        return list(
            "\(group.name)/\(version)",
            kinds.flatMap { kind -> [JSONValue] in
                [
                    [
                        "name": .string(kind.plural), "singularName": .string(kind.singular),
                        "namespaced": false, "kind": .string(kind.kind),
                        "verbs": .array(kind.verbs.map { .string($0.rawValue) }),
                        "shortNames": .array(kind.shortNames.map { .string($0) }),
                        "categories": ["tracectl"],
                    ],
                    [
                        "name": .string(kind.plural + "/status"), "singularName": "",
                        "namespaced": false, "kind": .string(kind.kind), "verbs": ["get"],
                    ],
                ]
            })
    }

    /// `/api/v1`: `kubectl describe` asks for events, of which there are none.
    static let coreResources = list(
        "v1",
        [
            [
                "name": "events", "singularName": "event", "namespaced": true, "kind": "Event",
                "verbs": ["list"], "shortNames": ["ev"],
            ]
        ])

    static func emptyEvents(position: Int64) -> JSONValue {
        [
            "kind": "EventList", "apiVersion": "v1",
            "metadata": ["resourceVersion": .string(String(position))], "items": [],
        ]
    }

    private static func list(_ groupVersion: String, _ resources: [JSONValue]) -> JSONValue {
        [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(groupVersion),
            "resources": .array(resources),
        ]
    }
}
