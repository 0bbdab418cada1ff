import Crypto
import Kubernetes

/// What the API can do, as OpenAPI says it: for `kubectl explain` and for validation.
struct OpenAPIDocument {
    /// Version 2 speaks of all groups at once, 3 of one group's version.
    enum Version { case v2, v3 }

    let version: Version
    private let product: String

    private static let meta = "io.k8s.apimachinery.pkg.apis.meta.v1."

    init(_ version: Version, product: String) {
        self.version = version
        self.product = product
    }

    /// `/openapi/v3`
    static func index(product: String) -> JSONValue {
        let document = OpenAPIDocument(.v3, product: product)
        var paths: [String: JSONValue] = [:]
        for group in APIGroup.all {
            for version in group.versions {
                let path = "apis/\(group.name)/\(version)"
                let digest = SHA256.hash(data: document.text(group, version))
                    .prefix(8).map { String($0, radix: 16) }.joined()
                paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(digest)")]
            }
        }
        return ["paths": .object(paths)]
    }

    /// The document of a path such as `apis/crd.antrea.io/v1beta1`; nil where there is none.
    static func v3(_ path: String, product: String) -> [UInt8]? {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count == 3, parts[0] == "apis", let group = APIGroup.named(parts[1]),
            group.versions.contains(parts[2])
        else { return nil }
        return OpenAPIDocument(.v3, product: product).text(group, parts[2])
    }

    /// `/openapi/v2`
    static func v2(product: String) -> JSONValue {
        let document = OpenAPIDocument(.v2, product: product)
        var (paths, schemas): ([String: JSONValue], [String: JSONValue]) = ([:], [:])
        for kind in ResourceKind.allCases {
            for version in kind.versions {
                paths.merge(document.paths(kind, version)) { $1 }
                schemas.merge(document.schemas(kind, version)) { $1 }
            }
        }
        return [
            "swagger": "2.0", "info": document.info, "paths": .object(paths),
            "definitions": .object(schemas),
        ]
    }

    private func text(_ group: APIGroup, _ version: String) -> [UInt8] {
        var (paths, schemas): ([String: JSONValue], [String: JSONValue]) = ([:], [:])
        for kind in ResourceKind.all(in: group.name) where kind.versions.contains(version) {
            paths.merge(self.paths(kind, version)) { $1 }
            schemas.merge(self.schemas(kind, version)) { $1 }
        }
        let value: JSONValue = [
            "openapi": "3.0.0", "info": info, "paths": .object(paths),
            "components": ["schemas": .object(schemas)],
        ]
        return value.bytes
    }

    private var info: JSONValue { ["title": "tracectl", "version": .string(product)] }

    // MARK: schemas

    private func name(_ kind: ResourceKind, _ version: String) -> String {
        let domain = kind.group.split(separator: ".").reversed().joined(separator: ".")
        return "\(domain).\(version).\(kind.kind)"
    }

    private func reference(_ name: String, _ about: String? = nil) -> JSONValue {
        switch version {
        case .v2:
            return .of([
                "$ref": .string("#/definitions/" + name), "description": about.map { .string($0) },
            ])
        case .v3:
            let plain: JSONValue = ["$ref": .string("#/components/schemas/" + name)]
            guard let about else { return plain }
            return ["allOf": [plain], "description": .string(about), "default": [:]]
        }
    }

    private func schemas(_ kind: ResourceKind, _ version: String) -> [String: JSONValue] {
        let own = name(kind, version)
        var object = Schema.object(
            kind.about, required: kind == .traceflow && version == "v1beta1" ? ["spec"] : [],
            [
                "apiVersion": Schema.string("The version of the object's shape."),
                "kind": Schema.string("What the object is."),
                "metadata": reference(Self.meta + "ObjectMeta", "What the object is called."),
                "spec": kind.specSchema(version), "status": kind.statusSchema,
            ])
        object["x-kubernetes-group-version-kind"] = [gvk(kind, version)]
        var list = Schema.object(
            "A list of them.", required: ["items"],
            [
                "apiVersion": Schema.string("The version of the list's shape."),
                "kind": Schema.string("What the list is."),
                "metadata": reference(Self.meta + "ListMeta", "What is known of the list."),
                "items": Schema.list("The objects.", of: reference(own)),
            ])
        var listed = gvk(kind, version)
        listed["kind"] = .string(kind.kind + "List")
        list["x-kubernetes-group-version-kind"] = [listed]
        return [
            own: object, own + "List": list, Self.meta + "ObjectMeta": Self.objectMeta,
            Self.meta + "ListMeta": Self.listMeta,
        ]
    }

    private func gvk(_ kind: ResourceKind, _ version: String) -> JSONValue {
        [
            "group": .string(kind.group), "version": .string(version),
            "kind": .string(kind.kind),
        ]
    }

    private static let objectMeta = Schema.object(
        "What an object is called.",
        [
            "name": Schema.string("Its name, unique in its kind."),
            "generateName": Schema.string("What a name is made of, where none is given."),
            "namespace": Schema.string("Empty: the object belongs to the whole cluster."),
            "labels": Schema.texts("What it is selected by."),
            "annotations": Schema.texts("What else is to be known."),
            "uid": Schema.string("What tells it from others that had its name."),
            "resourceVersion": Schema.string("The log's position that the object is as of."),
            "generation": Schema.integer("1: a spec never changes."),
            "creationTimestamp": Schema.time("When it was asked for."),
        ])

    private static let listMeta = Schema.object(
        "What is known of a list.",
        [
            "resourceVersion": Schema.string("The log's position to watch from."),
            "continue": Schema.string("How to ask for the rest."),
        ])

    // MARK: paths

    private func paths(_ kind: ResourceKind, _ version: String) -> [String: JSONValue] {
        let collection = "/apis/\(kind.group)/\(version)/\(kind.plural)"
        var all: JSONValue = [
            "get": operation(kind, version, "list", Self.listParameters),
            "post": operation(kind, version, "post", Self.writeParameters, takesObject: true),
        ]
        if kind.verbs.contains(.deleteCollection) {
            all["delete"] = operation(
                kind, version, "deletecollection", Self.listParameters + ["dryRun"])
        }
        let one: JSONValue = [
            "parameters": [parameter("name", place: "path")],
            "get": operation(kind, version, "get", []),
            "put": operation(kind, version, "put", Self.writeParameters, takesObject: true),
            "patch": operation(
                kind, version, "patch", Self.writeParameters + ["force"], takesObject: true),
            "delete": operation(kind, version, "delete", ["dryRun"]),
        ]
        return [collection: all, collection + "/{name}": one]
    }

    private static let listParameters = [
        "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit",
        "resourceVersion", "sendInitialEvents", "timeoutSeconds", "watch",
    ]
    private static let writeParameters = ["dryRun", "fieldManager", "fieldValidation"]
    private static let patchTypes = [
        "application/apply-patch+yaml", "application/json-patch+json",
        "application/merge-patch+json",
    ]

    private func parameter(_ name: String, place: String = "query") -> JSONValue {
        let isFlag = ["allowWatchBookmarks", "force", "sendInitialEvents", "watch"].contains(name)
        let isNumber = ["limit", "timeoutSeconds"].contains(name)
        let type: JSONValue = isFlag ? "boolean" : isNumber ? "integer" : "string"
        var value: JSONValue = ["name": .string(name), "in": .string(place)]
        if place == "path" { value["required"] = true }
        switch version {
        case .v2: value["type"] = type
        case .v3: value["schema"] = ["type": type]
        }
        return value
    }

    private func operation(
        _ kind: ResourceKind, _ version: String, _ action: String, _ parameters: [String],
        takesObject: Bool = false
    ) -> JSONValue {
        let own = reference(name(kind, version) + (action == "list" ? "List" : ""))
        var given = parameters.map { parameter($0) }
        var operation: JSONValue = [
            "operationId": .string("\(action)\(kind.kind)\(version)"),
            "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": gvk(kind, version),
        ]
        let types = action == "patch" ? Self.patchTypes : ["application/json", "application/yaml"]
        switch self.version {
        case .v2:
            if takesObject {
                given.append([
                    "name": "body", "in": "body", "required": true,
                    "schema": action == "patch" ? ["type": "object"] : own,
                ])
                operation["consumes"] = .array(types.map { .string($0) })
            }
            operation["produces"] = ["application/json"]
            operation["responses"] = ["200": ["description": "OK", "schema": own]]
        case .v3:
            if takesObject {
                var content: JSONValue = [:]
                for type in types {
                    content[type] = ["schema": action == "patch" ? ["type": "object"] : own]
                }
                operation["requestBody"] = ["content": content, "required": true]
            }
            operation["responses"] = [
                "200": [
                    "description": "OK", "content": ["application/json": ["schema": own]],
                ]
            ]
        }
        if !given.isEmpty { operation["parameters"] = .array(given) }
        return operation
    }
}

extension ResourceKind {
    fileprivate var about: String {
        switch self {
        case .traceflow:
            "A Traceflow asks which way a packet goes through the cluster's network."
        case .packetCapture: "A PacketCapture keeps the first packets that match."
        case .traceSchedule: "A TraceSchedule begins a Traceflow or a TraceSweep again and again."
        case .traceSweep: "A TraceSweep traces every pair of the Pods that it selects."
        }
    }

    fileprivate func specSchema(_ version: String) -> JSONValue {
        switch self {
        case .traceflow: TraceflowSchema.spec(version)
        case .packetCapture: CaptureSchema.spec
        case .traceSchedule: OwnSchemas.scheduleSpec
        case .traceSweep: OwnSchemas.sweepSpec
        }
    }

    fileprivate var statusSchema: JSONValue {
        switch self {
        case .traceflow: TraceflowSchema.status
        case .packetCapture: CaptureSchema.status
        case .traceSchedule: OwnSchemas.scheduleStatus
        case .traceSweep: OwnSchemas.sweepStatus
        }
    }
}
