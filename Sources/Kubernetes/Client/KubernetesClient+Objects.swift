/// Objects of a kind, as a list gave them.
public struct ObjectList: Sendable {
    public var items: [JSONValue]
    /// From which a watch goes on.
    public var resourceVersion: String
}

/// Which objects of a kind are meant.
public struct ObjectSelection: Hashable, Sendable {
    /// Nil for all.
    public var namespace: String?
    public var labels: String?
    public var fields: String?

    public init(namespace: String? = nil, labels: String? = nil, fields: String? = nil) {
        self.namespace = namespace
        self.labels = labels
        self.fields = fields
    }

    var query: [(name: String, value: String)] {
        [labels.map { ("labelSelector", $0) }, fields.map { ("fieldSelector", $0) }]
            .compactMap { $0 }
    }
}

extension KubernetesClient {
    /// So many objects at once.
    static let chunk = 500

    /// All objects, in chunks. Blocks.
    ///
    /// Where the server has forgotten in the middle what it was listing, the list begins anew.
    public func list(
        _ resource: APIResource, _ selection: ObjectSelection = ObjectSelection()
    ) throws -> ObjectList {
        var attempts = 0
        while true {
            attempts += 1
            do {
                return try listOnce(resource, selection)
            } catch let status as APIStatus where status.code == 410 && attempts < 5 {
                continue
            }
        }
    }

    private func listOnce(
        _ resource: APIResource, _ selection: ObjectSelection
    ) throws -> ObjectList {
        var items: [JSONValue] = []
        var token: String?
        while true {
            let page = ListPage(
                try call(Self.listCall(resource, selection, continue: token)), resource)
            items += page.items
            token = page.continue
            if token == nil {
                return ObjectList(items: items, resourceVersion: page.resourceVersion)
            }
        }
    }

    static func listCall(
        _ resource: APIResource, _ selection: ObjectSelection, continue token: String?
    ) -> APICall {
        var query = selection.query + [("limit", String(chunk))]
        if let token { query.append(("continue", token)) }
        return APICall("GET", resource.path(namespace: selection.namespace), query: query)
    }

    /// Blocks.
    public func get(
        _ resource: APIResource, namespace: String? = nil, name: String
    ) throws -> JSONValue {
        try call(APICall("GET", resource.path(namespace: namespace, name: name)))
    }

    /// Waits for a server that says it is not ready yet, a few seconds at most: one that has only
    /// just begun does not know all its kinds. Blocks.
    public func waitUntilReady() {
        // What it answers in the end is not JSON; another call tells what is wrong.
        _ = try? call(APICall("GET", "/readyz", timeoutMilliseconds: 2000))
    }

    /// The resources that the server has in a group and version; none where it has no such group.
    /// Blocks.
    public func resources(group: String, version: String) throws -> [APIResource] {
        let path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        let list: JSONValue
        do {
            list = try call(APICall("GET", path))
        } catch let status as APIStatus where status.code == 404 {
            return []
        }
        return list["resources"].elements.compactMap { entry in
            guard let plural = entry["name"].text, !plural.contains("/"),
                let kind = entry["kind"].text
            else { return nil }
            return APIResource(
                group: group, version: version, plural: plural, kind: kind,
                isNamespaced: entry["namespaced"].bool ?? false)
        }
    }
}

/// A chunk of a list.
struct ListPage {
    var items: [JSONValue]
    var resourceVersion: String
    var `continue`: String?

    /// Items of a list leave out what the list says of all of them.
    init(_ object: JSONValue, _ resource: APIResource) {
        items = object["items"].elements.map { item in
            var item = item
            item["apiVersion"] = .string(resource.groupVersion)
            item["kind"] = .string(resource.kind)
            return item
        }
        resourceVersion = object["metadata"]["resourceVersion"].text ?? ""
        let token = object["metadata"]["continue"].text ?? ""
        `continue` = token.isEmpty ? nil : token
    }
}
