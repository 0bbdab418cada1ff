import Cluster
import Kubernetes
import Scheduler
import Synchronization
import Traceflow
import Worker

/// An object as the log had it at a position; never changes.
///
/// Its JSON is made when it is first asked for and kept: many watchers get the same bytes.
final class APIObject: Sendable {
    enum Content: Sendable {
        case trace(TraceView)
        case schedule(ScheduleBook.Entry)
        case sweep(SweepBook.Entry)
        /// All that is known of what was deleted.
        case gone(ResourceKind, name: String)
    }

    let content: Content
    /// Of the object's stream.
    let stream: Int64
    /// Of the last event that is in it.
    let position: Int64
    let uid: String
    // What every watcher selects by is at hand.
    let kind: ResourceKind
    let name: String
    let labels: [String: String]
    /// Where the content does not say.
    private let createdAt: Moment?
    /// By version.
    private let encoded = Mutex<[String: [UInt8]]>([:])

    init(
        _ content: Content, stream: Int64, position: Int64, logID: String,
        createdAt: Moment? = nil
    ) {
        self.createdAt = createdAt
        switch content {
        case .trace(let view):
            kind = view.request.packetCapture == nil ? .traceflow : .packetCapture
            (name, labels) = (view.objectName, view.request.labels)
        case .schedule(let entry):
            (kind, name, labels) = (.traceSchedule, entry.name, entry.life.spec.labels)
        case .sweep(let entry):
            (kind, name, labels) = (.traceSweep, entry.name, entry.request.labels)
        case .gone(let kind, let name):
            (self.kind, self.name, labels) = (kind, name, [:])
        }
        self.content = content
        self.stream = stream
        self.position = position
        uid = UIDs.text(logID: logID, stream: stream)
    }

    /// The fields that can be selected by.
    func field(_ path: String) -> String? {
        switch (path, content) {
        case ("metadata.name", _): name
        case ("metadata.namespace", _): ""
        case ("status.phase", .trace(let view)): view.trace.phase.rawValue
        case ("status.phase", .sweep(let entry)): entry.phase.rawValue
        case _: nil
        }
    }

    static let selectableFields = ["metadata.name", "metadata.namespace", "status.phase"]

    /// The object's JSON in a version of its group.
    func bytes(_ version: String) -> [UInt8] {
        if let known = encoded.withLock({ $0[version] }) { return known }
        let bytes = Array(resource(version).compactJSON.utf8)
        encoded.withLock { $0[version] = bytes }
        return bytes
    }

    func resource(_ version: String) -> OutputValue {
        // What was not recorded has neither.
        let isRecorded = position > 0
        let identity: [String: OutputValue?] = [
            "uid": isRecorded ? .string(uid) : nil,
            "resourceVersion": isRecorded ? .string(String(position)) : nil,
            "generation": .int(1),
            "creationTimestamp": .text(createdAt.map { RFC3339.text($0) }),
        ]
        switch content {
        case .trace(let view):
            let wanted = APIVersion(rawValue: kind.apiVersion(version)) ?? view.request.apiVersion
            return view.resource(as: wanted, identity: identity)
        case .schedule(let entry): return entry.resource(identity)
        case .sweep(let entry): return entry.resource(identity)
        case .gone(let kind, let name):
            var metadata = identity
            metadata["name"] = .string(name)
            return .object([
                "apiVersion": .string(kind.apiVersion(version)), "kind": .string(kind.kind),
                "metadata": .object(metadata),
            ])
        }
    }

    /// Its metadata alone.
    var metadata: JSONValue {
        var value: JSONValue = [
            "name": .string(name), "uid": .string(uid), "generation": 1,
            "resourceVersion": .string(String(position)),
        ]
        if !labels.isEmpty { value["labels"] = .texts(labels) }
        switch content {
        case .trace(let view):
            value["creationTimestamp"] = .string(RFC3339.text(view.createdAt))
            if !view.request.annotations.isEmpty {
                value["annotations"] = .texts(view.request.annotations)
            }
        case .sweep(let entry):
            value["creationTimestamp"] = .string(RFC3339.text(entry.requestedAt))
        case .schedule, .gone:
            if let createdAt { value["creationTimestamp"] = .string(RFC3339.text(createdAt)) }
        }
        return value
    }

    /// The object's JSON as a value.
    func json(_ version: String) throws(MalformedJSON) -> JSONValue {
        try JSONValue(parsing: bytes(version))
    }

    func cells(at now: Moment) -> [JSONValue] {
        switch content {
        case .trace(let view): view.cells(at: now)
        case .schedule(let entry): entry.cells(at: now)
        case .sweep(let entry): entry.cells(at: now)
        case .gone(_, let name): [.string(name)]
        }
    }
}

extension TraceView {
    /// The name of the object behind the trace.
    package var objectName: String { PacketCaptureManifest.name(ofTrace: name) ?? name }
}

/// Identifiers of objects: made of the log's and the stream's, so that they stay as long as it.
enum UIDs {
    static func text(logID: String, stream: Int64) -> String {
        // 128 bits of the log, the stream mixed in: unique in the log, and stable.
        var bytes = [UInt8](repeating: 0, count: 16)
        for (place, byte) in logID.utf8.enumerated() {
            bytes[place % 16] = bytes[place % 16] &* 31 &+ byte
        }
        for place in 0..<8 {
            bytes[15 - place] = UInt8(truncatingIfNeeded: stream >> (8 * Int64(place)))
        }
        // Version 8, made by a rule of one's own (RFC 9562).
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        var text = ""
        for (place, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(place) { text += "-" }
            let hex = String(byte, radix: 16)
            text += hex.count == 1 ? "0" + hex : hex
        }
        return text
    }
}
