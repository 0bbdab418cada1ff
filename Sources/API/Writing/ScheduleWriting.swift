import Cluster
import Kubernetes
import Scheduler
import Worker

/// Records schedules that come through the API.
struct ScheduleWriting {
    private let writing: ObjectWriting

    init(_ writing: ObjectWriting) { self.writing = writing }

    func create(_ value: JSONValue, _ request: APIRequest) throws -> ObjectWriting.Written {
        let name = value["metadata"]["name"].text ?? ""
        guard try writing.reading.others.object(.traceSchedule, named: name) == nil else {
            throw ObjectWriting.exists(.traceSchedule, name)
        }
        return try save(value, request)
    }

    /// Records what the object asks for, or what is different about it now.
    func save(_ value: JSONValue, _ request: APIRequest) throws -> ObjectWriting.Written {
        let kind = ResourceKind.traceSchedule
        let resource = try ObjectBody.resource(value, kind)
        let name = resource.name
        let manifest: ScheduleManifest
        do throws(ManifestError) {
            manifest = try ScheduleManifest(resource)
        } catch {
            throw APIStatus.malformed(kind, name, error)
        }
        var warnings = try ObjectBody.warnings(manifest.warnings, request)
        if !value["metadata"]["annotations"].entries.isEmpty {
            warnings.append("annotations of a \(kind.kind) are not kept")
        }
        let (spec, isPaused) = try ObjectBody.refusing(kind, name) {
            let read = try ScheduleSpec.read(manifest)
            try read.spec.check(in: writing.clusters.latest()?.cluster)
            return read
        }
        if request.isDryRun {
            let entry = ScheduleBook.Entry(
                id: ScheduleID(0),
                life: ScheduleLife(spec: spec, decidedThrough: writing.clock.now()))
            return ObjectWriting.Written(
                object: APIObject(
                    .schedule(entry), stream: 0, position: 0, logID: writing.log.logID),
                warnings: warnings)
        }
        try ObjectBody.refusing(kind, name) {
            _ = try ScheduleBook(log: writing.log).save(spec, isPaused: isPaused)
        }
        return ObjectWriting.Written(
            object: try writing.reading.object(kind, name), warnings: warnings)
    }
}

/// Records sweeps that come through the API.
struct SweepWriting {
    private let writing: ObjectWriting

    init(_ writing: ObjectWriting) { self.writing = writing }

    func create(_ value: JSONValue, _ request: APIRequest) throws -> ObjectWriting.Written {
        let kind = ResourceKind.traceSweep
        let resource = try ObjectBody.resource(value, kind)
        let name = resource.name
        let manifest: SweepManifest
        do throws(ManifestError) {
            manifest = try SweepManifest(resource)
        } catch {
            throw APIStatus.malformed(kind, name, error)
        }
        var warnings = try ObjectBody.warnings(manifest.warnings, request)
        if !value["metadata"]["annotations"].entries.isEmpty {
            warnings.append("annotations of a \(kind.kind) are not kept")
        }
        let book = SweepBook(log: writing.log)
        guard try book.held(name) == nil else { throw ObjectWriting.exists(kind, name) }
        guard let (digest, cluster) = try writing.clusters.latest() else {
            throw APIStatus(403, .forbidden, "no cluster is known", details: kind.details(name))
        }
        let asked = try ObjectBody.refusing(kind, name) {
            try SweepRequest(manifest, name: name).counted(in: cluster, clusterDigest: digest)
        }
        if request.isDryRun {
            let entry = SweepBook.Entry(
                id: SweepID(0), request: asked, requestedAt: writing.clock.now(), position: 0,
                phase: .running, expanded: 0, tally: SweepTally(), reason: "")
            return ObjectWriting.Written(
                object: APIObject(
                    .sweep(entry), stream: 0, position: 0, logID: writing.log.logID),
                warnings: warnings)
        }
        do {
            _ = try book.record(asked)
        } catch is Refusal {
            throw ObjectWriting.exists(kind, name)
        }
        return ObjectWriting.Written(
            object: try writing.reading.object(kind, name), warnings: warnings)
    }

    /// A sweep never changes: throws Invalid where something else is wanted, and tells what is not
    /// kept.
    func compare(
        _ value: JSONValue, _ entry: SweepBook.Entry, _ request: APIRequest
    ) throws -> [String] {
        let kind = ResourceKind.traceSweep
        let resource = try ObjectBody.resource(value, kind)
        let manifest: SweepManifest
        do throws(ManifestError) {
            manifest = try SweepManifest(resource)
        } catch {
            throw APIStatus.malformed(kind, entry.name, error)
        }
        let asked = SweepRequest(manifest, name: entry.request.name)
        guard entry.request.inOneNotation.isSame(as: asked.inOneNotation) else {
            throw APIStatus.invalid(
                kind, entry.name, "spec", "Forbidden: a sweep is immutable; choose another name")
        }
        return ["a \(kind.kind) is left as it is; annotations are not kept"]
    }

    /// Cancels a sweep that runs, and leaves it out of the API from then on.
    func delete(_ entry: SweepBook.Entry) throws -> Bool {
        let deleted = try SweepBook(log: writing.log).cancel(
            entry.id, reason: SweepBook.Entry.deletedReason)
        guard deleted == nil else { return true }
        throw APIStatus(
            409, .conflict,
            "Operation cannot be fulfilled on \(ResourceKind.traceSweep.qualified)"
                + " \"\(entry.name)\": it has ended, and its results are history; only a running"
                + " sweep can be deleted", details: ResourceKind.traceSweep.details(entry.name))
    }
}
