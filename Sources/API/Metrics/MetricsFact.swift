import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What an event means to who counts.
enum MetricsFact: Hashable, Sendable {
    /// A run of the schedule, if it is one.
    case requested(of: ScheduleID?)
    case allocated
    case succeeded(Verdict)
    case timedOut(Verdict)
    case failed(isCancelled: Bool)
    case retried(isAutomatic: Bool, of: ScheduleID?)
    case slotFired(isByHand: Bool)
    case slotMissed(MissedSlots.Reason, count: Int)
    case probeChanged(isBroken: Bool)
    case scheduleDeleted
    case notified
    case tookOver
    /// Something else that a decider has decided.
    case decided
    /// What others write, and reports.
    case other
}

extension MetricsFact {
    /// Reads no more of the event than is counted.
    init(_ row: EventRow, _ coding: TraceCoding) throws {
        switch LogEventType(rawValue: row.type) {
        case .traceRequested: self = .requested(of: try coding.schedule(of: row))
        case .tagAllocated: self = .allocated
        case .traceSucceeded, .traceTimedOut, .traceFailed:
            switch try coding.end(of: row) {
            case .succeeded(_, let verdict): self = .succeeded(verdict)
            case .timedOut(_, let verdict): self = .timedOut(verdict)
            case .failed(_, let reason):
                self = .failed(isCancelled: reason == Trace.cancelledReason)
            case _: self = .other
            }
        case .retryRequested:
            guard case .trace(.retryRequested(let retry)) = try coding.event(row) else {
                self = .other
                return
            }
            self = .retried(
                isAutomatic: retry.automaticNumber > 0, of: retry.facts.schedule)
        case .slotFired, .slotMissed, .probeBroken, .probeHealthy, .scheduleDeleted,
            .notificationDelivered:
            guard case .schedule(let event) = try coding.event(row) else {
                self = .other
                return
            }
            self.init(event)
        case .deciderTookOver: self = .tookOver
        case .sweepExpanded, .sweepFinished, .tagProfileChanged, .checkpoint, .segmentSealed:
            self = .decided
        // Also what a later version writes: it stops the decider, who says so.
        case _: self = .other
        }
    }

    private init(_ event: ScheduleEvent) {
        switch event {
        case .fired(let firing): self = .slotFired(isByHand: firing.isByHand)
        case .missed(let missed): self = .slotMissed(missed.reason, count: missed.count)
        case .probeBroken: self = .probeChanged(isBroken: true)
        case .probeHealthy: self = .probeChanged(isBroken: false)
        case .deleted: self = .scheduleDeleted
        case .notified: self = .notified
        case _: self = .other
        }
    }
}
