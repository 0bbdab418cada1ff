import Scheduler
import Traceflow
import Worker

extension ScheduleBook.Entry {
    /// The schedule as a resource, which can be applied again as it is.
    package var resource: OutputValue { resource([:]) }

    /// The same; `identity` is what a server adds to its metadata.
    func resource(_ identity: [String: OutputValue?]) -> OutputValue {
        let spec = life.spec
        let isProbe = spec.expectation != nil
        var metadata = identity
        metadata["name"] = .string(name)
        metadata["labels"] = OutputValue.strings(spec.labels)
        return .object([
            "apiVersion": .string("tracectl.dev/v1alpha1"), "kind": .string("TraceSchedule"),
            "metadata": .object(metadata),
            "spec": Self.spec(spec, isPaused: life.isPaused),
            "status": .object([
                "begins": .string(Self.isTrace(spec) ? "Traceflow" : "TraceSweep"),
                "active": .int(life.runs.count),
                "lastScheduleTime": .text(life.lastSlot?.text),
                "nextScheduleTime": .text(nextSlot?.text),
                "probe": isProbe ? .string(life.isBroken ? life.brokenWord : "Healthy") : nil,
                "unexpectedInARow": isProbe ? .int(life.mismatches) : nil,
                "heldBack": isProbe ? .int(life.held?.count ?? 0) : nil,
                "path": .text(life.found?.path?.text),
                "inMaintenance": spec.maintenance.isEmpty ? nil : .bool(isInMaintenance),
                "maintenanceBegin": .text(maintenance?.lowerBound.text),
                "maintenanceEnd": .text(maintenance?.upperBound.text),
            ]),
        ])
    }

    private static func isTrace(_ spec: ScheduleSpec) -> Bool {
        if case .trace = spec.work { true } else { false }
    }

    private static func spec(_ spec: ScheduleSpec, isPaused: Bool) -> OutputValue {
        var cron: String?
        var every: String?
        switch spec.timing {
        case .cron(let expression, _): cron = expression.text
        case .every(let seconds): every = ScheduleLength.text(seconds)
        }
        var expect: String?
        switch spec.expectation {
        case .model: expect = "Model"
        case .verdict(let verdict): expect = verdict.rawValue
        case nil: break
        }
        var (missed, missedMax): (String, Int?) = ("Latest", nil)
        switch spec.missed {
        case .none: missed = "None"
        case .latest: break
        case .all(let max): (missed, missedMax) = ("All", max)
        }
        let isProbe = spec.expectation != nil
        return .object([
            "schedule": .text(cron), "every": .text(every),
            "timeZone": cron == nil ? nil : .string(spec.zone),
            "suspend": .bool(isPaused),
            "startingDeadlineSeconds": .number(spec.startingDeadlineSeconds.map(Int.init)),
            "concurrencyPolicy": .string(spec.concurrency.rawValue),
            "missedSlots": .string(missed), "missedSlotsMax": .number(missedMax),
            "jitterSeconds": spec.jitterSeconds == 0 ? nil : .int(Int(spec.jitterSeconds)),
            "expect": .text(expect),
            "failureThreshold": isProbe ? .int(spec.failureThreshold) : nil,
            "settleSeconds": isProbe ? .int(Int(spec.settleSeconds)) : nil,
            "maintenance": spec.maintenance.isEmpty
                ? nil : .list(spec.maintenance.map(maintenance)),
            "traceTemplate": traceTemplate(spec), "sweepTemplate": sweepTemplate(spec),
        ])
    }

    private static func maintenance(_ maintenance: Maintenance) -> OutputValue {
        var fields: [String: OutputValue?] = [
            "duration": .string(ScheduleLength.text(maintenance.durationSeconds)),
            "reason": maintenance.reason.isEmpty ? nil : .string(maintenance.reason),
        ]
        switch maintenance.beginning {
        case .cron(let expression, let zone):
            fields["schedule"] = .string(expression.text)
            fields["timeZone"] = .string(zone)
        case .once(let moment): fields["start"] = .string(moment.text)
        }
        return .object(fields)
    }

    private static func traceTemplate(_ spec: ScheduleSpec) -> OutputValue? {
        guard case .trace(let template) = spec.work else { return nil }
        let labels = OutputValue.strings(template.labels)
        return .object([
            "metadata": labels.map { .object(["labels": $0]) },
            "spec": template.spec.output, "priority": .int(template.priority),
            "retries": template.retries == 0 ? nil : .int(template.retries),
        ])
    }

    private static func sweepTemplate(_ spec: ScheduleSpec) -> OutputValue? {
        guard case .sweep(let request) = spec.work else { return nil }
        let labels = OutputValue.strings(request.labels)
        return .object([
            "metadata": labels.map { .object(["labels": $0]) }, "spec": request.output,
        ])
    }
}

extension ScheduleLife {
    /// What a probe is that finds what is not expected. Held against the model, neither it nor the
    /// cluster is known to be wrong: they disagree.
    package var brokenWord: String { spec.expectation == .model ? "Disagrees" : "Broken" }
}

/// Lengths of time as schedules have them: 30s, 5m, 2h.
package enum ScheduleLength {
    package static func text(_ seconds: Int64) -> String {
        if seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}
