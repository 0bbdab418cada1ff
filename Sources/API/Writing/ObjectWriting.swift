import Cluster
import JobLog
import Kubernetes
import Scheduler
import Traceflow
import Worker

/// Answers what changes objects; blocks on the log.
struct ObjectWriting: Sendable {
    let reading: ObjectReading
    let log: JobLog
    let clusters: ClusterStore
    /// What Pods send, for live traces.
    let traffic: [TrafficReference]
    let clock: Clock

    var store: ObjectStore { reading.store }

    /// What was written, and what the client's user should know of it.
    struct Written {
        var object: APIObject
        var warnings: [String] = []
    }

    // MARK: create

    func create(
        _ kind: ResourceKind, _ version: String, _ request: APIRequest
    ) throws -> APIAnswer {
        var value = try ObjectBody.read(request)
        try ObjectBody.check(&value, kind, version, name: nil, log)
        let written = try create(kind, version, value, request)
        return try answer(written, kind, version, request, code: 201)
    }

    func create(
        _ kind: ResourceKind, _ version: String, _ value: JSONValue, _ request: APIRequest
    ) throws -> Written {
        try request.demandCaptures(kind, value)
        return switch kind {
        case .traceflow, .packetCapture: try createTrace(kind, version, value, request)
        case .traceSchedule: try ScheduleWriting(self).create(value, request)
        case .traceSweep: try SweepWriting(self).create(value, request)
        }
    }

    private func createTrace(
        _ kind: ResourceKind, _ version: String, _ value: JSONValue, _ request: APIRequest
    ) throws -> Written {
        let manifest = try ObjectBody.manifest(value, kind)
        let warnings = try ObjectBody.warnings(manifest.warnings, request)
        let name = value["metadata"]["name"].text ?? ""
        try AdmissionCheck.check(
            manifest, kind, name, try clusters.latest()?.cluster ?? Cluster([]))
        try Self.check(manifest, kind, name)
        let asked = try ObjectBody.refusing(kind, name) {
            try RequestRecorder.Request(manifest)
        }
        let family = StreamFamilyName.trace
        if try log.stream(named: manifest.name, family: family) != nil {
            throw Self.exists(kind, name)
        }
        guard let (digest, _) = try clusters.latest() else {
            throw APIStatus(
                403, .forbidden,
                "no cluster is known: begin with `tracectl serve --cluster PATH`, or record one"
                    + " with `tracectl apply -f`", details: kind.details(name))
        }
        let against = RequestRecorder.Against(
            clusterDigest: digest, finder: try clusters.pathFinder(of: digest), traffic: traffic)
        if request.isDryRun {
            return Written(object: try draft(asked, against), warnings: warnings)
        }
        let recorded = try ObjectBody.refusing(kind, name) {
            try RequestRecorder(log: log).record([asked], against: against)
        }
        guard recorded.first?.isNew == true else { throw Self.exists(kind, name) }
        return Written(object: try reading.object(kind, name), warnings: warnings)
    }

    /// What would be recorded.
    private func draft(
        _ asked: RequestRecorder.Request, _ against: RequestRecorder.Against
    ) throws -> APIObject {
        let request = RequestRecorder.request(asked, against)
        let now = clock.now()
        guard let trace = Trace(.requested(request), at: now) else {
            throw APIStatus(500, .internalError, "the trace cannot be made")
        }
        return APIObject(
            .trace(TraceView(id: TraceID(0), createdAt: now, request: request, trace: trace)),
            stream: 0, position: 0, logID: log.logID)
    }

    static func exists(_ kind: ResourceKind, _ name: String) -> APIStatus {
        APIStatus(
            409, .alreadyExists, "\(kind.qualified) \"\(name)\" already exists",
            details: kind.details(name))
    }

    // MARK: delete

    func delete(
        _ kind: ResourceKind, _ version: String, _ name: String, _ request: APIRequest
    ) throws -> APIAnswer {
        let options = try ObjectBody.deleteOptions(request)
        let object = try reading.object(kind, name)
        try Preconditions(options["preconditions"]).check(object)
        if !request.isDryRun, options["dryRun"].elements.isEmpty { try delete(object) }
        let details: JSONValue = [
            "name": .string(name), "group": .string(kind.group), "kind": .string(kind.plural),
            "uid": .string(object.uid),
        ]
        return APIAnswer([
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
            "details": details,
        ])
    }

    func deleteCollection(
        _ kind: ResourceKind, _ version: String, _ request: APIRequest
    ) throws -> APIAnswer {
        guard kind.verbs.contains(.deleteCollection) else {
            throw APIRoute.notAllowed(request.method)
        }
        let selector = try request.selector
        let objects =
            switch kind {
            case .traceflow, .packetCapture:
                try store.traces(kind, selector, after: "", limit: .max).objects
            case .traceSchedule, .traceSweep: try reading.others.all(kind, selector)
            }
        if !request.isDryRun { for object in objects { try delete(object) } }
        let form = ObjectForm(kind: kind, version: version)
        return APIAnswer(
            form.list(objects, position: store.position, next: nil, at: clock.now()))
    }

    private func delete(_ object: APIObject) throws {
        let recorded: Bool
        switch object.content {
        case .trace(let view):
            recorded =
                try ChangeRecorder(log: log, clock: clock)
                .record(.delete(name: view.name), of: view.id) != nil
        case .schedule(let entry):
            recorded = try ScheduleBook(log: log).record(.deleted, of: entry)
        case .sweep(let entry): recorded = try SweepWriting(self).delete(entry)
        case .gone: recorded = false
        }
        // Somebody else was faster.
        if !recorded { throw APIStatus.absent(object.kind, object.name) }
    }

    // MARK: answers

    func answer(
        _ written: Written, _ kind: ResourceKind, _ version: String, _ request: APIRequest,
        code: Int = 200
    ) throws -> APIAnswer {
        let form = ObjectForm(
            kind: kind, version: version, shape: try Negotiation.shape(request))
        var bytes: [UInt8] = []
        form.write(written.object, at: clock.now(), to: &bytes)
        var answer = APIAnswer(bytes, code: code)
        answer.warnings = written.warnings
        return answer
    }
}

/// What a client demands of an object before it is changed.
struct Preconditions {
    var uid: String?
    var resourceVersion: String?

    init(_ value: JSONValue) {
        uid = value["uid"].text
        resourceVersion = value["resourceVersion"].text
    }

    func check(_ object: APIObject) throws(APIStatus) {
        let position = String(object.position)
        if let uid, !uid.isEmpty, uid != object.uid {
            throw conflict(object, "the UID in the precondition (\(uid)) is not \(object.uid)")
        }
        if let resourceVersion, !resourceVersion.isEmpty, resourceVersion != position {
            throw conflict(
                object,
                "the object has been modified; please apply your changes to the latest version"
                    + " and try again")
        }
    }

    private func conflict(_ object: APIObject, _ why: String) -> APIStatus {
        APIStatus(
            409, .conflict,
            "Operation cannot be fulfilled on \(object.kind.qualified) \"\(object.name)\": \(why)",
            details: object.kind.details(object.name))
    }
}
