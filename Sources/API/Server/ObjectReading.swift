import Foundation
import Kubernetes
import Worker

/// Answers what only reads objects; blocks on the log.
struct ObjectReading: Sendable {
    let store: ObjectStore
    let others: OtherObjects
    let hub: WatchHub
    let clock: Clock

    static let watchSecondsMax: Int64 = 3600
    /// Objects of a list that nobody limits are told at once; of one that somebody limits so many
    /// at most.
    private static let pageMax: Int64 = 10_000

    func object(_ kind: ResourceKind, _ name: String) throws -> APIObject {
        let found =
            switch kind {
            case .traceflow, .packetCapture: try store.trace(kind, named: name)
            case .traceSchedule, .traceSweep: try others.object(kind, named: name)
            }
        guard let found else { throw APIStatus.absent(kind, name) }
        return found
    }

    func get(
        _ kind: ResourceKind, _ version: String, _ name: String, _ request: APIRequest
    ) throws -> APIAnswer {
        let form = ObjectForm(
            kind: kind, version: version, shape: try Negotiation.shape(request))
        var bytes: [UInt8] = []
        form.write(try object(kind, name), at: clock.now(), to: &bytes)
        return APIAnswer(bytes)
    }

    func list(
        _ kind: ResourceKind, _ version: String, _ request: APIRequest
    ) throws -> APIAnswer {
        let form = ObjectForm(
            kind: kind, version: version, shape: try Negotiation.shape(request))
        let selector = try request.selector
        let limit = try request.number("limit").flatMap { $0 == 0 ? nil : $0 }
        let cursor = try request.query["continue"].flatMap { $0.isEmpty ? nil : $0 }
            .map { try ListCursor($0) }
        let position = try store.caughtUp()
        if let asked = try request.number("resourceVersion"), asked > position {
            throw APIStatus.tooNew(asked)
        }
        let objects: [APIObject]
        var last: String?
        switch kind {
        case .traceflow, .packetCapture:
            (objects, last) = try store.traces(
                kind, selector, after: cursor?.name ?? "",
                limit: limit.map { Int(min($0, Self.pageMax)) } ?? .max)
        case .traceSchedule, .traceSweep: objects = try others.all(kind, selector)
        }
        let start = cursor?.position ?? position
        return APIAnswer(
            form.list(
                objects, position: start,
                next: last.map { ListCursor(position: start, name: $0).text },
                at: clock.now()))
    }

    func watch(
        _ kind: ResourceKind, _ version: String, _ request: APIRequest
    ) throws -> APIAnswer {
        let form = ObjectForm(
            kind: kind, version: version, shape: try Negotiation.shape(request))
        var wanted = WatchRequest(
            form: form, selector: try request.selector, after: nil,
            wantsBookmarks: request.flag("allowWatchBookmarks"),
            wantsInitialEnd: request.flag("sendInitialEvents"),
            timeoutSeconds: min(
                try request.number("timeoutSeconds") ?? Self.watchSecondsMax,
                Self.watchSecondsMax))
        // 0 stands for any position, and begins with what is there.
        if !wanted.wantsInitialEnd, let after = try request.number("resourceVersion"), after > 0 {
            wanted.after = after
        }
        if let after = wanted.after {
            try WatchReplay(store: store, others: others, key: wanted.key, clock: clock)
                .refuseGone(after)
            if after > (try store.caughtUp()) { throw APIStatus.tooNew(after) }
        }
        let (id, chunks) = try hub.watch(wanted)
        return APIAnswer(watch: id, chunks)
    }
}

/// Where a list goes on.
struct ListCursor: Hashable, Sendable {
    var position: Int64
    /// The last name that was listed.
    var name: String

    init(position: Int64, name: String) {
        self.position = position
        self.name = name
    }

    /// Reads what a list gave out; throws BadRequest for anything else.
    init(_ text: String) throws(APIStatus) {
        let parts = Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) }?
            .split(separator: " ", maxSplits: 1).map(String.init)
        guard let parts, parts.count == 2, let position = Int64(parts[0]) else {
            throw APIStatus(400, .badRequest, "continue key is not valid")
        }
        self.init(position: position, name: parts[1])
    }

    var text: String { Data("\(position) \(name)".utf8).base64EncodedString() }
}

extension APIRequest {
    var selector: Selector {
        get throws(APIStatus) {
            try Selector(
                labels: query["labelSelector"] ?? "", fields: query["fieldSelector"] ?? "")
        }
    }
}

extension APIStatus {
    /// The position is one that the log does not have yet.
    static func tooNew(_ position: Int64) -> APIStatus {
        APIStatus(
            504, .timeout, "Too large resource version: \(position)",
            details: [
                "causes": [
                    [
                        "reason": "ResourceVersionTooLarge",
                        "message": "Too large resource version",
                    ]
                ], "retryAfterSeconds": 1,
            ])
    }

    static func absent(_ kind: ResourceKind, _ name: String) -> APIStatus {
        APIStatus(
            404, .notFound, "\(kind.qualified) \"\(name)\" not found",
            details: kind.details(name))
    }
}

extension ResourceKind {
    /// What a Status says of the object that it is about.
    func details(_ name: String, causes: [JSONValue] = []) -> JSONValue {
        .of([
            "name": .string(name), "group": .string(group), "kind": .string(plural),
            "causes": causes.isEmpty ? nil : .array(causes),
        ])
    }
}
