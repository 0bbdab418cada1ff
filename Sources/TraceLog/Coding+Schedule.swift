import Scheduler
import SwiftProtobuf
import Traceflow

extension PBScheduleChanged {
    init(_ spec: ScheduleSpec) {
        self.init()
        name = spec.name
        labels = spec.labels
        switch spec.timing {
        case .every(let seconds): everySeconds = seconds
        case .cron(let expression, let zone):
            cron = expression.text
            timeZone = zone
        }
        switch spec.work {
        case .trace(let template): trace = PBTraceTemplate(template)
        case .sweep(let request): sweep = PBSweepRequested(request)
        }
        if let deadline = spec.startingDeadlineSeconds { startingDeadlineSeconds = deadline }
        concurrency =
            switch spec.concurrency {
            case .allow: .allow
            case .forbid: .forbid
            case .replace: .replace
            }
        missedMax =
            switch spec.missed {
            case .none: 0
            case .latest: 1
            case .all(let max): Int64(max)
            }
        jitterSeconds = spec.jitterSeconds
        switch spec.expectation {
        case .verdict(let verdict): expected = PBVerdict(verdict)
        case .model: expectsModel = true
        case nil: break
        }
        failureThreshold = Int32(clamping: spec.failureThreshold)
        settleSeconds = spec.settleSeconds
        maintenance = spec.maintenance.map(PBMaintenance.init)
    }
}

extension ScheduleSpec {
    init(_ message: PBScheduleChanged) throws {
        let timing: Timing
        if message.everySeconds != 0 {
            timing = .every(
                seconds: try message.everySeconds.within(1...ScheduleSpec.secondsMax, "every"))
        } else {
            do {
                timing = .cron(try CronExpression(message.cron), zone: message.timeZone)
            } catch {
                throw Malformed(what: "schedule \"\(message.cron)\": \(error)")
            }
        }
        let concurrency: Concurrency =
            switch message.concurrency {
            case .allow: .allow
            case .forbid: .forbid
            case .replace: .replace
            case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown concurrency policy")
            }
        var expectation: Expectation?
        if message.expectsModel { expectation = .model }
        if message.expected != .unspecified {
            expectation = .verdict(try Verdict(message.expected))
        }
        self.init(
            name: message.name, labels: message.labels, timing: timing,
            work: message.hasTrace
                ? .trace(try TraceTemplate(message.trace))
                : .sweep(try SweepRequest(message.sweep)),
            startingDeadlineSeconds: message.hasStartingDeadlineSeconds
                ? try message.startingDeadlineSeconds.within(
                    0...ScheduleSpec.secondsMax, "starting deadline") : nil,
            concurrency: concurrency,
            missed: message.missedMax <= 0
                ? .none
                : message.missedMax == 1
                    ? .latest
                    : .all(max: Int(try message.missedMax.within(1...10_000, "missed slots"))),
            jitterSeconds: try message.jitterSeconds.within(
                0...ScheduleSpec.secondsMax, "jitter"), expectation: expectation,
            failureThreshold: Int(message.failureThreshold),
            settleSeconds: try message.settleSeconds.within(
                0...ScheduleSpec.settleSecondsMax, "settle window"),
            maintenance: try message.maintenance.map(Maintenance.init))
    }
}

extension PBTraceTemplate {
    init(_ template: TraceTemplate) {
        self.init()
        apiVersion =
            switch template.apiVersion {
            case .v1alpha1: .v1Alpha1
            case .v1beta1: .v1Beta1
            }
        spec = PBSpec(template.spec)
        labels = template.labels
        priority = Int32(clamping: template.priority)
        retries = Int32(clamping: template.retries)
    }
}

extension TraceTemplate {
    init(_ message: PBTraceTemplate) throws {
        let version: APIVersion =
            switch message.apiVersion {
            case .v1Alpha1: .v1alpha1
            case .v1Beta1: .v1beta1
            case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown API version")
            }
        self.init(
            apiVersion: version, spec: TraceflowSpec(message.spec), labels: message.labels,
            priority: Int(message.priority), retries: Int(message.retries))
    }
}

extension EventCoding {
    static func message(of event: ScheduleEvent) -> (type: LogEventType, message: any Message) {
        switch event {
        case .changed(let spec): (.scheduleChanged, PBScheduleChanged(spec))
        case .paused: (.schedulePaused, PBSchedulePaused())
        case .resumed: (.scheduleResumed, PBScheduleResumed())
        case .deleted: (.scheduleDeleted, PBScheduleDeleted())
        case .runRequested: (.scheduleRunRequested, PBScheduleRunRequested())
        case .fired(let firing):
            (
                .slotFired,
                PBSlotFired.with {
                    $0.slotMicroseconds = firing.slot.microseconds
                    if let expected = firing.expected { $0.expected = PBVerdict(expected) }
                    $0.isByHand = firing.isByHand
                    if let window = firing.maintenance { $0.maintenance = PBMomentRange(window) }
                }
            )
        case .missed(let missed):
            (
                .slotMissed,
                PBSlotMissed.with {
                    $0.firstMicroseconds = missed.first.microseconds
                    $0.lastMicroseconds = missed.last.microseconds
                    $0.count = Int64(missed.count)
                    $0.reason =
                        switch missed.reason {
                        case .late: .late
                        case .running: .running
                        case .unable: .unable
                        }
                }
            )
        case .probeBroken(let change): (.probeBroken, PBProbeChanged(change))
        case .probeHealthy(let change): (.probeHealthy, PBProbeChanged(change))
        case .pathChanged(let change): (.pathChanged, PBProbeChanged(change))
        case .notified(let number):
            (.notificationDelivered, PBNotificationDelivered.with { $0.number = Int64(number) })
        }
    }

    static func decodeSchedule(_ type: LogEventType, _ bytes: [UInt8]) throws -> ScheduleEvent {
        switch type {
        case .scheduleChanged:
            return .changed(try ScheduleSpec(PBScheduleChanged(serializedBytes: bytes)))
        case .schedulePaused: return .paused
        case .scheduleResumed: return .resumed
        case .scheduleDeleted: return .deleted
        case .scheduleRunRequested: return .runRequested
        case .slotFired:
            let message = try PBSlotFired(serializedBytes: bytes)
            return .fired(
                SlotFiring(
                    slot: try Moment(slot: message.slotMicroseconds),
                    expected: message.expected == .unspecified
                        ? nil : try Verdict(message.expected), isByHand: message.isByHand,
                    maintenance: message.hasMaintenance
                        ? try Range(message.maintenance) : nil))
        case .slotMissed:
            let message = try PBSlotMissed(serializedBytes: bytes)
            let reason: MissedSlots.Reason =
                switch message.reason {
                case .late: .late
                case .running: .running
                case .unable: .unable
                case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown reason")
                }
            return .missed(
                MissedSlots(
                    first: try Moment(slot: message.firstMicroseconds),
                    last: try Moment(slot: message.lastMicroseconds),
                    count: Int(try message.count.within(0...Int64(Int32.max), "count")),
                    reason: reason))
        case .probeBroken:
            return .probeBroken(try ProbeChange(PBProbeChanged(serializedBytes: bytes)))
        case .probeHealthy:
            return .probeHealthy(try ProbeChange(PBProbeChanged(serializedBytes: bytes)))
        case .pathChanged:
            let change = try ProbeChange(PBProbeChanged(serializedBytes: bytes))
            guard change.path != nil else { throw Malformed(what: "no path") }
            return .pathChanged(change)
        case .notificationDelivered:
            let number = try PBNotificationDelivered(serializedBytes: bytes).number
            return .notified(number: Int(try Int64(number).within(0...(1 << 52), "number")))
        case _: throw Malformed(what: "not an event of a schedule")
        }
    }
}

extension Moment {
    /// A slot's, which lies between 1970 and the year 9999.
    init(slot microseconds: Int64) throws {
        self.init(microseconds: try microseconds.within(0...253_402_300_799_000_000, "slot"))
    }
}

extension Int64 {
    /// The number, which came from outside, if it lies in the range.
    func within(_ range: ClosedRange<Int64>, _ what: String) throws -> Int64 {
        guard range.contains(self) else { throw Malformed(what: "\(what) of \(self)") }
        return self
    }
}
