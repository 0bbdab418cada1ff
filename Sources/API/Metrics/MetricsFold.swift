import Scheduler
import Traceflow

/// What is counted of a log from some place on: a fold of its events, and nothing else.
///
/// Counts begin at nothing with `beginCounting()`; what comes before only tells since when traces
/// wait and run. Every worker of a log counts all of it, so two of them count the same.
struct MetricsFold: Hashable, Sendable {
    /// How an attempt may end.
    struct End: Hashable, Sendable {
        var phase: Phase
        var verdict: Verdict
    }

    /// The place of the last event that was taken in.
    private(set) var position: Int64 = 0
    private(set) var requested: Int64 = 0
    private(set) var started: Int64 = 0
    private(set) var ended: [End: Int64] = [:]
    private(set) var timedOut: Int64 = 0
    private(set) var cancelled: Int64 = 0
    private(set) var retriesAutomatic: Int64 = 0
    private(set) var retriesByHand: Int64 = 0
    private(set) var slotsFiredByClock: Int64 = 0
    private(set) var slotsFiredByHand: Int64 = 0
    private(set) var slotsMissed: [MissedSlots.Reason: Int64] = [:]
    private(set) var probesBroken: Int64 = 0
    private(set) var probesHealed: Int64 = 0
    private(set) var notified: Int64 = 0
    private(set) var takeovers: Int64 = 0
    private(set) var queueWait = Histogram.waits
    private(set) var runTime = Histogram.runs
    /// When somebody last decided something; nil when that was not seen.
    private(set) var lastDecision: Moment?
    /// When the last run of each schedule ended, of those that were seen to begin.
    private(set) var lastRuns: [ScheduleID: Moment] = [:]
    private var waiting = WaitingTraces()
    /// Since when attempts run, by the streams of their traces.
    private var running: [Int64: Int64] = [:]
    /// Open traces that are runs of schedules.
    private var scheduled: [Int64: ScheduleID] = [:]

    init(after position: Int64 = 0) { self.position = position }

    /// Forgets what was counted, and nothing of what waits, runs and was last.
    mutating func beginCounting() {
        var fresh = MetricsFold(after: position)
        (fresh.waiting, fresh.running, fresh.scheduled) = (waiting, running, scheduled)
        (fresh.lastDecision, fresh.lastRuns) = (lastDecision, lastRuns)
        self = fresh
    }

    /// Takes in the next event of the log.
    mutating func evolve(_ fact: MetricsFact, of stream: Int64, position: Int64, at moment: Moment)
    {
        self.position = position
        let now = moment.microseconds
        switch fact {
        case .requested(let schedule):
            requested += 1
            waiting.add(stream, since: now)
            if let schedule { scheduled[stream] = schedule }
        case .allocated:
            start(stream, now)
            lastDecision = moment
        case .succeeded(let verdict): end(stream, .succeeded, verdict, moment)
        case .timedOut(let verdict):
            timedOut += 1
            end(stream, .failed, verdict, moment)
        case .failed(let isCancelled):
            if isCancelled { cancelled += 1 }
            end(stream, .failed, .unknown, moment)
        case .retried(let isAutomatic, let schedule):
            if isAutomatic { retriesAutomatic += 1 } else { retriesByHand += 1 }
            waiting.add(stream, since: now)
            if let schedule { scheduled[stream] = schedule }
        case .slotFired(let isByHand):
            if isByHand { slotsFiredByHand += 1 } else { slotsFiredByClock += 1 }
            lastDecision = moment
        case .slotMissed(let reason, let count):
            slotsMissed[reason, default: 0] += Int64(count)
            lastDecision = moment
        case .probeChanged(let isBroken):
            if isBroken { probesBroken += 1 } else { probesHealed += 1 }
            lastDecision = moment
        case .scheduleDeleted: forget(ScheduleID(stream))
        case .notified: notified += 1
        case .tookOver:
            takeovers += 1
            lastDecision = moment
        case .decided: lastDecision = moment
        case .other: break
        }
    }

    private mutating func start(_ stream: Int64, _ now: Int64) {
        started += 1
        // Another worker takes over what ran: it has not waited.
        if running.updateValue(now, forKey: stream) == nil, let since = waiting.remove(stream) {
            queueWait.add(now - since)
        }
    }

    private mutating func end(
        _ stream: Int64, _ phase: Phase, _ verdict: Verdict, _ moment: Moment
    ) {
        lastDecision = moment
        ended[End(phase: phase, verdict: verdict), default: 0] += 1
        if let since = running.removeValue(forKey: stream) {
            runTime.add(moment.microseconds - since)
        } else {
            _ = waiting.remove(stream)
        }
        if !scheduled.isEmpty, let schedule = scheduled.removeValue(forKey: stream) {
            lastRuns[schedule] = moment
        }
    }

    private mutating func forget(_ schedule: ScheduleID) {
        lastRuns[schedule] = nil
        scheduled = scheduled.filter { $0.value != schedule }
    }
}
