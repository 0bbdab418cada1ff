import Traceflow

/// A TraceSchedule as its manifest says it (`tracectl.dev/v1alpha1`), with CronJob's field names
/// where CronJob has the field (Kubernetes, batch/v1).
public struct ScheduleManifest: Sendable {
    public enum Work: Sendable {
        case trace(TraceflowSpec, labels: [String: String], priority: Int?, retries: Int?)
        case sweep(SweepManifest)
    }

    public var name: String
    public var labels: [String: String]
    /// A cron expression; nil where `every` is given.
    public var schedule: String?
    /// A length of time, as `5m`.
    public var every: String?
    public var timeZone: String?
    public var work: Work
    public var startingDeadlineSeconds: Int?
    /// Allow, Forbid or Replace.
    public var concurrencyPolicy: String?
    public var isSuspended: Bool
    /// None, Latest or All.
    public var missedSlots: String?
    public var missedSlotsMax: Int?
    public var jitterSeconds: Int?
    /// A verdict, or `Model`.
    public var expect: String?
    public var failureThreshold: Int?
    public var settleSeconds: Int?
    public var maintenance: [Maintenance]
    public var file: String
    public var line: Int
    /// Fields that are ignored because nobody knows them.
    public var warnings: [ManifestWarning] = []

    /// A time at which results count for nothing.
    public struct Maintenance: Sendable {
        /// A cron expression; nil where `start` is given.
        public var schedule: String?
        /// The schedule's own where nil.
        public var timeZone: String?
        /// A moment, as RFC 3339 has it.
        public var start: String?
        /// A length of time, as `2h`.
        public var duration: String
        public var reason: String
        /// Where the fields stand, for what is wrong with them.
        public var places: [String: String]
    }

    public static let kind = "TraceSchedule"
    public static let apiVersion = "tracectl.dev/v1alpha1"

    public init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        guard resource.apiVersion == Self.apiVersion else {
            throw root["apiVersion"].error(
                "unknown version \(resource.apiVersion); use \(Self.apiVersion)")
        }
        if let fault = ObjectName.fault(in: resource.name) {
            throw root["metadata"]["name"].error("\"\(resource.name)\" \(fault)")
        }
        name = resource.name
        labels = try root["metadata"]["labels"].texts()
        file = resource.file
        line = resource.line
        let spec = try root["spec"].required().mapping()
        var warnings = try spec.unknownKeys(except: [
            "schedule", "every", "timeZone", "traceTemplate", "sweepTemplate",
            "startingDeadlineSeconds", "concurrencyPolicy", "suspend", "missedSlots",
            "missedSlotsMax", "jitterSeconds", "expect", "failureThreshold", "settleSeconds",
            "maintenance", "successfulHistoryLimit", "failedHistoryLimit",
            "successfulJobsHistoryLimit", "failedJobsHistoryLimit",
        ])
        try Self.refuseHistoryLimits(spec)
        schedule = try spec["schedule"].optional()?.string()
        every = try spec["every"].optional()?.string()
        guard (schedule == nil) != (every == nil) else {
            throw spec["schedule"].error("give either schedule or every")
        }
        timeZone = try spec["timeZone"].optional()?.string()
        if every != nil, timeZone != nil {
            throw spec["timeZone"].error("is for schedule, not for every")
        }
        startingDeadlineSeconds = try spec["startingDeadlineSeconds"].int(in: 0...315_360_000)
        concurrencyPolicy = try spec["concurrencyPolicy"].word(of: ["Allow", "Forbid", "Replace"])
        isSuspended = try spec["suspend"].optional()?.bool() ?? false
        missedSlots = try spec["missedSlots"].word(of: ["None", "Latest", "All"])
        missedSlotsMax = try spec["missedSlotsMax"].int(in: 1...10_000)
        jitterSeconds = try spec["jitterSeconds"].int(in: 0...86_400)
        expect = try spec["expect"].word(of: Verdict.allCases.map(\.rawValue) + ["Model"])
        failureThreshold = try spec["failureThreshold"].int(in: 1...1000)
        settleSeconds = try spec["settleSeconds"].int(in: 0...3600)
        maintenance = []
        for entry in try spec["maintenance"].list() {
            maintenance.append(try Self.maintenance(entry, &warnings))
        }
        if maintenance.count > 100 {
            throw spec["maintenance"].error("has \(maintenance.count) entries; 100 is the most")
        }
        work = try Self.work(spec, name: resource.name, &warnings)
        self.warnings = warnings
    }

    /// CronJob deletes what has finished; here nothing is deleted, and lists are asked for as long
    /// as they are wanted. Somebody who relies on the fields is to know.
    private static func refuseHistoryLimits(_ spec: Field) throws(ManifestError) {
        for key in [
            "successfulHistoryLimit", "failedHistoryLimit", "successfulJobsHistoryLimit",
            "failedJobsHistoryLimit",
        ] where spec[key].optional() != nil {
            throw spec[key].error(
                "finished runs are never deleted; leave it out, and give `history` a --limit")
        }
    }

    private static func maintenance(
        _ entry: Field, _ warnings: inout [ManifestWarning]
    ) throws(ManifestError) -> Maintenance {
        let keys = ["schedule", "timeZone", "start", "duration", "reason"]
        warnings += try entry.unknownKeys(except: Set(keys))
        let schedule = try entry["schedule"].optional()?.string()
        let start = try entry["start"].optional()?.string()
        guard (schedule == nil) != (start == nil) else {
            throw entry.error("give either schedule or start")
        }
        let timeZone = try entry["timeZone"].optional()?.string()
        if timeZone != nil, schedule == nil {
            throw entry["timeZone"].error("is for schedule; a start says its own, as in +01:00")
        }
        var places: [String: String] = [:]
        for key in keys {
            places[key] = "\(entry.file):\(entry[key].line): \(entry[key].path)"
        }
        return Maintenance(
            schedule: schedule, timeZone: timeZone, start: start,
            duration: try entry["duration"].required().string(),
            reason: try entry["reason"].optional()?.text() ?? "", places: places)
    }

    private static func work(
        _ spec: Field, name: String, _ warnings: inout [ManifestWarning]
    ) throws(ManifestError) -> Work {
        let (trace, sweep) = (spec["traceTemplate"].optional(), spec["sweepTemplate"].optional())
        guard (trace == nil) != (sweep == nil) else {
            throw spec["traceTemplate"].error("give either traceTemplate or sweepTemplate")
        }
        if let sweep {
            warnings += try sweep.unknownKeys(except: ["metadata", "spec"])
            let manifest = try SweepManifest(
                name: name, labels: sweep["metadata"]["labels"].texts(),
                spec: sweep["spec"].required())
            warnings += manifest.warnings
            return .sweep(manifest)
        }
        let template = spec["traceTemplate"]
        warnings += try template.unknownKeys(except: ["metadata", "spec", "priority", "retries"])
        return .trace(
            try TraceflowSpec(template["spec"].required(), &warnings),
            labels: try template["metadata"]["labels"].texts(),
            priority: try template["priority"].int(in: 0...9),
            retries: try template["retries"].int(in: 0...100))
    }
}
