import Cluster
import Kubernetes
import Scheduler
import Traceflow
import Worker

extension ObjectWriting {
    /// How often somebody else may be faster before the client is told.
    private static let triesMax = 10
    /// As of Kubernetes.
    private static let annotationBytesMax = 256 << 10

    func update(
        _ kind: ResourceKind, _ version: String, _ name: String, _ request: APIRequest
    ) throws -> APIAnswer {
        var value = try ObjectBody.read(request)
        try ObjectBody.check(&value, kind, version, name: name, log)
        for _ in 0..<Self.triesMax {
            let object = try reading.object(kind, name)
            try Preconditions(value["metadata"]).check(object)
            if let written = try save(value, over: object, request) {
                return try answer(written, kind, version, request)
            }
        }
        throw Self.busy(kind, name)
    }

    func patch(
        _ kind: ResourceKind, _ version: String, _ name: String, _ request: APIRequest
    ) throws -> APIAnswer {
        for _ in 0..<Self.triesMax {
            guard let object = try current(kind, name, request) else {
                return try createApplied(kind, version, name, request)
            }
            var value = try patched(try object.json(version), request)
            try ObjectBody.check(&value, kind, version, name: name, log)
            try Preconditions(value["metadata"]).check(object)
            if let written = try save(value, over: object, request) {
                return try answer(written, kind, version, request)
            }
        }
        throw Self.busy(kind, name)
    }

    /// Nil when it is not there and the patch says all of it.
    private func current(
        _ kind: ResourceKind, _ name: String, _ request: APIRequest
    ) throws -> APIObject? {
        do {
            return try reading.object(kind, name)
        } catch let status as APIStatus where status.code == 404 && request.isApply {
            return nil
        }
    }

    private func createApplied(
        _ kind: ResourceKind, _ version: String, _ name: String, _ request: APIRequest
    ) throws -> APIAnswer {
        try request.identity.demand(.create, kind, name: name)
        var value = try applied(request)
        try ObjectBody.check(&value, kind, version, name: name, log)
        let written = try create(kind, version, value, request)
        return try answer(written, kind, version, request, code: 201)
    }

    private func patched(_ value: JSONValue, _ request: APIRequest) throws -> JSONValue {
        switch request.mediaType {
        case "application/merge-patch+json":
            return value.merged(with: try ObjectBody.json(request.body))
        case "application/json-patch+json":
            return try JSONPatch(try ObjectBody.json(request.body)).applied(to: value)
        case "application/apply-patch+yaml":
            return value.merged(with: try applied(request))
        case let type:
            throw APIStatus(
                415, .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include:"
                    + " application/json-patch+json, application/merge-patch+json,"
                    + " application/apply-patch+yaml; got \"\(type)\"")
        }
    }

    /// What server-side apply wants. Nobody owns fields here: what is given is set, and what was
    /// given before stays.
    private func applied(_ request: APIRequest) throws(APIStatus) -> JSONValue {
        guard !(request.query["fieldManager"] ?? "").isEmpty else {
            throw APIStatus(400, .badRequest, "fieldManager is required for apply patch")
        }
        var value = try ObjectBody.read(request)
        guard case .object = value else {
            throw APIStatus(400, .badRequest, "the body must be an object")
        }
        var metadata = value["metadata"]
        guard metadata["managedFields"].isNull || metadata["managedFields"] == [] else {
            throw APIStatus(400, .badRequest, "metadata.managedFields must be nil")
        }
        metadata["managedFields"] = .null
        value["metadata"] = metadata
        return value
    }

    /// Nil when somebody else was faster.
    private func save(
        _ value: JSONValue, over object: APIObject, _ request: APIRequest
    ) throws -> Written? {
        switch object.content {
        case .trace(let view): return try save(value, over: view, object, request)
        case .schedule:
            try request.demandCaptures(.traceSchedule, value)
            return try ScheduleWriting(self).save(value, request)
        case .sweep(let entry):
            return Written(
                object: object, warnings: try SweepWriting(self).compare(value, entry, request))
        case .gone: throw APIStatus.absent(object.kind, object.name)
        }
    }

    private func save(
        _ value: JSONValue, over view: TraceView, _ object: APIObject, _ request: APIRequest
    ) throws -> Written? {
        let manifest = try ObjectBody.manifest(value, object.kind)
        let warnings = try ObjectBody.warnings(manifest.warnings, request)
        guard manifest.spec == view.request.spec,
            manifest.packetCapture == view.request.packetCapture
        else {
            throw APIStatus.invalid(
                object.kind, object.name, "spec",
                "Forbidden: spec is immutable; delete the object and create it anew")
        }
        try Self.check(manifest, object.kind, object.name)
        let seen = ChangeRecorder.Metadata(
            labels: view.request.labels, annotations: view.request.annotations)
        let wanted = ChangeRecorder.Metadata(
            labels: manifest.labels, annotations: manifest.annotations)
        if wanted == seen { return Written(object: object, warnings: warnings) }
        if request.isDryRun {
            var changed = view
            changed.request.labels = wanted.labels
            changed.request.annotations = wanted.annotations
            let draft = APIObject(
                .trace(changed), stream: object.stream, position: object.position,
                logID: log.logID)
            return Written(object: draft, warnings: warnings)
        }
        let recorded = try ChangeRecorder(log: log, clock: clock).record(
            .metadata(from: seen, to: wanted), of: view.id)
        guard recorded != nil else { return nil }
        return Written(
            object: try reading.object(object.kind, object.name), warnings: warnings)
    }

    /// Throws Invalid for labels and annotations that Kubernetes does not take.
    static func check(
        _ manifest: TraceflowManifest, _ kind: ResourceKind, _ name: String
    ) throws(APIStatus) {
        for (key, value) in manifest.labels {
            if let fault = LabelSyntax.fault(key: key) ?? LabelSyntax.fault(value: value) {
                throw APIStatus.invalid(
                    kind, name, "metadata.labels", "Invalid value: \"\(key)\": \(fault)")
            }
        }
        var bytes = 0
        for (key, value) in manifest.annotations {
            if let fault = LabelSyntax.fault(key: key) {
                throw APIStatus.invalid(
                    kind, name, "metadata.annotations", "Invalid value: \"\(key)\": \(fault)")
            }
            bytes += key.utf8.count + value.utf8.count
        }
        guard bytes <= annotationBytesMax else {
            throw APIStatus.invalid(
                kind, name, "metadata.annotations",
                "Too long: may not be more than \(annotationBytesMax) bytes")
        }
    }

    private static func busy(_ kind: ResourceKind, _ name: String) -> APIStatus {
        APIStatus(
            409, .conflict,
            "Operation cannot be fulfilled on \(kind.qualified) \"\(name)\": others change it too",
            details: kind.details(name))
    }
}

extension APIRequest {
    /// Server-side apply.
    var isApply: Bool { mediaType == "application/apply-patch+yaml" }

    /// Throws Forbidden when packets are to be kept, anywhere in the object, by one who may not.
    func demandCaptures(_ kind: ResourceKind, _ value: JSONValue) throws(APIStatus) {
        let spec = value["spec"]
        let asks =
            kind == .packetCapture || !spec["capture"].isNull
            || !spec["traceTemplate"]["spec"]["capture"].isNull
            || !spec["sweepTemplate"]["spec"]["capture"].isNull
        if asks { try identity.demandCapture(kind, name: value["metadata"]["name"].text ?? "") }
    }
}
