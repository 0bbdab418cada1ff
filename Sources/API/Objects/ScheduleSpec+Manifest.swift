import Cluster
import Scheduler
import Traceflow
import Worker

extension ScheduleSpec {
    /// What a manifest asks for, and whether it is to be paused.
    package static func read(
        _ manifest: ScheduleManifest
    ) throws -> (spec: ScheduleSpec, isPaused: Bool?) {
        let place = "\(manifest.file):\(manifest.line): TraceSchedule \"\(manifest.name)\""
        let work: Work
        switch manifest.work {
        case .trace(let spec, let labels, let priority, let retries):
            work = .trace(
                TraceTemplate(
                    spec: spec, labels: labels, priority: priority ?? TraceRequest.defaultPriority,
                    retries: retries ?? 0))
        case .sweep(let sweep): work = .sweep(SweepRequest(sweep, name: nil))
        }
        var spec = ScheduleSpec(
            name: manifest.name, labels: manifest.labels,
            timing: try timing(manifest, place), work: work,
            startingDeadlineSeconds: manifest.startingDeadlineSeconds.map(Int64.init),
            concurrency: manifest.concurrencyPolicy.flatMap { Concurrency(rawValue: $0) } ?? .allow,
            jitterSeconds: Int64(manifest.jitterSeconds ?? 0))
        switch manifest.missedSlots {
        case "None": spec.missed = .none
        case "All": spec.missed = .all(max: manifest.missedSlotsMax ?? 100)
        case _: spec.missed = .latest
        }
        if let expect = manifest.expect {
            spec.expectation = Verdict(rawValue: expect).map { .verdict($0) } ?? .model
        }
        spec.failureThreshold = manifest.failureThreshold ?? spec.failureThreshold
        if spec.expectation != nil {
            spec.settleSeconds = manifest.settleSeconds.map(Int64.init) ?? defaultSettleSeconds
            spec.maintenance = try manifest.maintenance.map {
                try maintenance($0, zone: manifest.timeZone)
            }
        } else if manifest.settleSeconds ?? 0 > 0 || !manifest.maintenance.isEmpty {
            throw Refusal("\(place): \(Self.needsExpectation("settleSeconds and maintenance"))")
        }
        return (spec, manifest.isSuspended)
    }

    /// Why something is refused that is for probes alone.
    package static func needsExpectation(_ what: String) -> String {
        "\(what) are for a schedule that expects something; say what with `expect`"
    }

    private static func maintenance(
        _ given: ScheduleManifest.Maintenance, zone: String?
    ) throws -> Maintenance {
        func place(_ key: String) -> String { given.places[key] ?? key }
        guard let seconds = Maintenance.seconds(given.duration) else {
            throw Refusal(
                "\(place("duration")): \"\(given.duration)\" is no length from 1s to 366d")
        }
        let beginning: Maintenance.Beginning
        if let start = given.start {
            guard let moment = Maintenance.moment(start) else {
                throw Refusal(
                    "\(place("start")): \"\(start)\" is no moment such as 2026-11-27T03:00:00Z")
            }
            beginning = .once(moment)
        } else {
            do {
                beginning = .cron(
                    try CronExpression(given.schedule ?? ""),
                    zone: given.timeZone ?? zone ?? ZoneOffsets.utc.name)
            } catch {
                throw Refusal("\(place("schedule")): \(error)")
            }
        }
        return Maintenance(beginning: beginning, durationSeconds: seconds, reason: given.reason)
    }

    private static func timing(_ manifest: ScheduleManifest, _ place: String) throws -> Timing {
        if let every = manifest.every {
            guard let length = Duration64(argument: every), length.microseconds >= 1_000_000,
                length.microseconds % 1_000_000 == 0
            else {
                throw Refusal("\(place): spec.every: \"\(every)\" is no length such as 30s or 5m")
            }
            return .every(seconds: length.microseconds / 1_000_000)
        }
        do {
            return .cron(
                try CronExpression(manifest.schedule ?? ""),
                zone: manifest.timeZone ?? ZoneOffsets.utc.name)
        } catch {
            throw Refusal("\(place): spec.schedule: \(error)")
        }
    }
}
