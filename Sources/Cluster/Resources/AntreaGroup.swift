import Traceflow

/// Antrea's ClusterGroup or Group: Pods, addresses and other groups under one name
/// (antrea docs/antrea-network-policy.md).
struct AntreaGroup: Hashable, Sendable {
    var name: GroupName
    var selections: [PodSelection] = []
    var blocks: [CIDR] = []
    var children: [GroupName] = []
    /// A Service whose selector the group takes over, as `namespace/name`.
    var service: String?

    /// A Group's own namespace is where its selectors look; a ClusterGroup has none.
    init(_ resource: Resource, isNamespaced: Bool) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        let namespace = isNamespaced ? resource.namespace ?? "default" : nil
        name = GroupName(namespace: namespace, name: resource.name)
        if let selection = try PodSelection(antrea: spec, namespace: namespace) {
            selections = [selection]
        }
        for block in try spec["ipBlocks"].list() {
            blocks.append(try block["cidr"].required().range())
        }
        if let block = spec["ipBlock"].optional() {
            blocks.append(try block["cidr"].required().range())
        }
        for child in try spec["childGroups"].list() {
            children.append(GroupName(namespace: namespace, name: try child.string()))
        }
        if let reference = spec["serviceReference"].optional() {
            let of = try reference["namespace"].optional()?.string() ?? namespace ?? "default"
            service = "\(of)/\(try reference["name"].required().string())"
        }
    }

    /// Takes over the selector of the Service it refers to.
    mutating func resolve(_ services: [String: Service]) {
        guard let service, let target = services[service], !target.selector.isEmpty else { return }
        selections = [
            .labels(LabelSelector(matching: target.selector), in: .named(target.namespace))
        ]
    }
}

extension PodSelection {
    /// The podSelector and namespaceSelector of an Antrea object; nil when it has neither.
    ///
    /// Without a namespaceSelector a cluster-scoped object means all namespaces, a namespaced one
    /// its own.
    init?(antrea field: Field, namespace: String?) throws(ManifestError) {
        let pods = field["podSelector"].optional()
        let namespaces = field["namespaceSelector"].optional()
        guard pods != nil || namespaces != nil else { return nil }
        self = .labels(
            try pods.map { field throws(ManifestError) in try LabelSelector(field) },
            in: try namespaces.map { field throws(ManifestError) in
                .matching(try LabelSelector(field))
            } ?? namespace.map { .named($0) } ?? .all)
    }
}
