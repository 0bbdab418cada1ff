import Cluster
import Foundation
import Kubernetes
import Traceflow

/// An object of a live cluster as it is recorded: what the model looks at, and nothing that changes
/// by itself (versions, heartbeats) or is nobody's business (a container's environment).
enum ObservedObject {
    /// Nil where it is no object at all.
    static func resource(_ object: JSONValue) -> Resource? {
        guard let kind = object["kind"].text, object["metadata"]["name"].text != nil,
            var resource = try? Resource(ManifestValue(kept(of: object, kind)), file: "cluster")
        else { return nil }
        resource.change = change(of: object["metadata"])
        return resource
    }

    /// What tells one object from another, whatever became of it.
    static func key(_ object: JSONValue) -> String {
        let metadata = object["metadata"]
        return (metadata["namespace"].text ?? "") + "/" + (metadata["name"].text ?? "")
    }

    private static func kept(of object: JSONValue, _ kind: String) -> JSONValue {
        let metadata = object["metadata"]
        var kept: JSONValue = .of([
            "apiVersion": object["apiVersion"], "kind": object["kind"],
            "metadata": .of([
                "name": metadata["name"], "namespace": metadata["namespace"],
                "labels": metadata["labels"],
                "ownerReferences": owners(metadata["ownerReferences"]),
                // A Pod that ends is no endpoint; when it was told to does not matter.
                "deletionTimestamp": metadata["deletionTimestamp"],
            ]),
        ])
        switch kind {
        case "Pod":
            kept["spec"] = podSpec(object["spec"])
            kept["status"] = podStatus(object["status"])
        case "Node":
            kept["spec"] = object["spec"].keeping(["podCIDR", "podCIDRs"])
            kept["status"] = object["status"].keeping(["addresses"])
        case "Service":
            kept["spec"] = object["spec"]
            kept["status"] = object["status"].keeping(["loadBalancer"])
        case "EndpointSlice":
            for field in ["addressType", "endpoints", "ports"] { kept[field] = object[field] }
        case "ConfigMap": kept["data"] = object["data"]
        case "Namespace": break
        case "Egress":
            kept["spec"] = object["spec"]
            kept["status"] = object["status"].keeping(["egressNode", "egressIP"])
        default: kept["spec"] = object["spec"]
        }
        return kept
    }

    private static func owners(_ owners: JSONValue) -> JSONValue {
        owners.elements.isEmpty
            ? .null : .array(owners.elements.map { $0.keeping(["kind", "name"]) })
    }

    private static func podSpec(_ spec: JSONValue) -> JSONValue {
        var kept = spec.keeping(["nodeName", "hostNetwork", "serviceAccountName"])
        for field in ["containers", "initContainers"] where !spec[field].isNull {
            kept[field] = .array(
                spec[field].elements.map { $0.keeping(["name", "ports", "restartPolicy"]) })
        }
        return kept
    }

    private static func podStatus(_ status: JSONValue) -> JSONValue {
        var kept = status.keeping(["phase", "podIP", "podIPs"])
        let ready = status["conditions"].elements.filter { $0["type"] == "Ready" }
            .map { $0.keeping(["type", "status"]) }
        if !ready.isEmpty { kept["conditions"] = .array(ready) }
        return kept
    }

    /// Who changed more than its status last, as far as the API server has noted it.
    private static func change(of metadata: JSONValue) -> Resource.Change? {
        var last: Resource.Change?
        for entry in metadata["managedFields"].elements {
            guard let manager = entry["manager"].text, !manager.isEmpty,
                let time = entry["time"].text.flatMap(moment), entry["subresource"].text == nil,
                // Old servers do not name the subresource.
                entry["fieldsV1"].entries.keys.contains(where: { $0 != "f:status" })
            else { continue }
            if last.map({ $0.at < time }) ?? true { last = .init(manager: manager, at: time) }
        }
        return last
    }

    private static func moment(_ text: String) -> Moment? {
        ISO8601DateFormatter().date(from: text).map {
            Moment(microseconds: Int64($0.timeIntervalSince1970) * 1_000_000)
        }
    }
}

extension JSONValue {
    /// The object with these of its entries.
    fileprivate func keeping(_ keys: Set<String>) -> JSONValue {
        .object(entries.filter { keys.contains($0.key) })
    }
}

extension ManifestValue {
    /// What an API server says, as a manifest says it.
    package init(_ value: JSONValue) {
        let content: Content =
            switch value {
            case .null: .null
            case .bool(let flag): .bool(flag)
            case .int(let number): .int(Int(number))
            case .double(let number): .double(number)
            case .string(let text): .string(text)
            case .array(let values): .list(values.map { ManifestValue($0) })
            case .object(let entries):
                .map(
                    entries.sorted { $0.key < $1.key }.map {
                        (key: $0.key, value: ManifestValue($0.value))
                    })
            }
        self.init(content, line: 0, column: 0)
    }
}
