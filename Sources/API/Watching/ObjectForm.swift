import Kubernetes
import Traceflow

/// In which form objects are given.
struct ObjectForm: Hashable, Sendable {
    enum Shape: Hashable, Sendable {
        case object
        /// A `Table`, whose rows hold whole objects, their metadata, or nothing.
        case table(includes: Included)
        /// `PartialObjectMetadata`.
        case metadata
    }

    enum Included: String, Hashable, Sendable {
        case object = "Object"
        case metadata = "Metadata"
        case none = "None"
    }

    var kind: ResourceKind
    var version: String
    var shape: Shape = .object

    /// Adds one object; of a table it is a table of its own.
    func write(_ object: APIObject, at now: Moment, to bytes: inout [UInt8]) {
        switch shape {
        case .object: bytes += object.bytes(version)
        case .metadata: partial(object).write(to: &bytes)
        case .table:
            writeTableHead(position: object.position, next: nil, to: &bytes)
            writeRow(object, at: now, to: &bytes)
            bytes += "]}".utf8
        }
    }

    /// A list of objects; `next` continues it.
    func list(
        _ objects: [APIObject], position: Int64, next: String?, at now: Moment
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        switch shape {
        case .object, .metadata:
            let isWhole = shape == .object
            let head = JSONValue.of([
                "resourceVersion": .string(String(position)), "continue": next.map { .string($0) },
            ])
            let version = isWhole ? kind.apiVersion(self.version) : "meta.k8s.io/v1"
            let name = isWhole ? kind.kind + "List" : "PartialObjectMetadataList"
            bytes += #"{"apiVersion":"\#(version)","kind":"\#(name)","metadata":"#.utf8
            head.write(to: &bytes)
            bytes += #","items":["#.utf8
        case .table: writeTableHead(position: position, next: next, to: &bytes)
        }
        bytes.reserveCapacity(bytes.count + objects.count * 1024)
        for (place, object) in objects.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            switch shape {
            case .object, .metadata: write(object, at: now, to: &bytes)
            case .table: writeRow(object, at: now, to: &bytes)
            }
        }
        bytes += "]}".utf8
        return bytes
    }

    /// An object without anything but a position, for bookmarks.
    func bookmark(position: Int64, endsInitialEvents: Bool) -> JSONValue {
        var metadata: JSONValue = ["resourceVersion": .string(String(position))]
        if endsInitialEvents {
            metadata["annotations"] = ["k8s.io/initial-events-end": "true"]
        }
        switch shape {
        case .object:
            return [
                "apiVersion": .string(kind.apiVersion(version)), "kind": .string(kind.kind),
                "metadata": metadata,
            ]
        case .metadata:
            return [
                "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
                "metadata": metadata,
            ]
        case .table:
            return [
                "apiVersion": "meta.k8s.io/v1", "kind": "Table", "columnDefinitions": [],
                "metadata": metadata, "rows": [],
            ]
        }
    }

    private func writeTableHead(position: Int64, next: String?, to bytes: inout [UInt8]) {
        let head = JSONValue.of([
            "resourceVersion": .string(String(position)), "continue": next.map { .string($0) },
        ])
        bytes += #"{"apiVersion":"meta.k8s.io/v1","kind":"Table","metadata":"#.utf8
        head.write(to: &bytes)
        bytes += #","columnDefinitions":"#.utf8
        JSONValue.array(TableColumn.of(kind).map(\.json)).write(to: &bytes)
        bytes += #","rows":["#.utf8
    }

    private func writeRow(_ object: APIObject, at now: Moment, to bytes: inout [UInt8]) {
        bytes += #"{"cells":"#.utf8
        JSONValue.array(object.cells(at: now)).write(to: &bytes)
        bytes += #","object":"#.utf8
        switch shape {
        case .table(includes: .object): bytes += object.bytes(version)
        case .table(includes: .none): bytes += "null".utf8
        case .table(includes: .metadata), .object, .metadata: partial(object).write(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private func partial(_ object: APIObject) -> JSONValue {
        .of([
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": object.metadata,
        ])
    }
}
