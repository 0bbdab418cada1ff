import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What is to be thought of one probe, said a second time and more simply: by the list of its
/// results.
struct ProbeStory {
    struct Run {
        var slot: Int64
        var begunAt: Int64
        var expected: Verdict
        /// When the next time of maintenance begins, or has begun.
        var maintenance: Int64?
        var isOfOtherWork = false
    }

    struct Result {
        var verdict: Verdict
        var isExpected: Bool
        var isHeld: Bool
    }

    private var spec: ScheduleSpec
    /// The run whose request must follow at once.
    private var firing: Run?
    private var runs: [Int64: Run] = [:]
    /// Since the last one that counted and was as expected.
    private var results: [Result] = []
    /// The change of the cluster that first held back what is still held back.
    private var heldSince: Int64?
    private var isBroken = false
    /// The path that everybody was told of, and the last run that found it.
    private var known: (verdict: Verdict, steps: [String]?, slot: Int64)?
    /// The last run that told a path.
    private var pathSlot: Int64 = 0
    private var pathNow: [String]?

    /// What must be said now.
    struct Due: Equatable {
        var slot: Int64
        var verdict: Verdict
        var mismatches: Int
        var before: [String]?
        var after: [String]?
        var beforeSlot: Int64?
    }
    private(set) var due: Due?
    private(set) var pathDue: Due?
    /// When it fell due.
    private(set) var dueAt: Int64 = 0

    init(_ spec: ScheduleSpec) { self.spec = spec }

    mutating func change(to new: ScheduleSpec) {
        if new.expectation != spec.expectation {
            (results, heldSince, isBroken, due) = ([], nil, false, nil)
            (known, pathDue) = (nil, nil)
        }
        if new.work != spec.work {
            (known, pathDue) = (nil, nil)
            for stream in runs.keys { runs[stream]?.isOfOtherWork = true }
        }
        // What was begun before speaks of something else.
        if new.work != spec.work || new.expectation != spec.expectation { runs = [:] }
        spec = new
    }

    mutating func fire(_ firing: SlotFiring, _ row: EventRow) throws {
        var begin: Int64?
        for maintenance in spec.maintenance {
            // Every quarter of an hour, for so long.
            let quarter: Int64 = 900_000_000
            let length = maintenance.durationSeconds * 1_000_000
            begin = ((row.recordedAt - length) / quarter + 1) * quarter
        }
        guard firing.maintenance?.lowerBound.microseconds == begin else {
            throw Violation("event \(row.position): maintenance is not \(begin ?? 0)")
        }
        self.firing = firing.expected.map {
            Run(
                slot: firing.slot.microseconds, begunAt: row.recordedAt, expected: $0,
                maintenance: begin)
        }
    }

    mutating func begin(_ stream: Int64) {
        runs[stream] = firing
        firing = nil
    }

    mutating func end(
        _ stream: Int64, _ verdict: Verdict?, by steps: [String]?, at moment: Int64,
        changedAt: Int64?
    ) -> Judgement {
        guard let run = runs.removeValue(forKey: stream), let verdict else { return .nothing }
        if let maintenance = run.maintenance, maintenance <= moment { return .excused }
        let settle = spec.settleSeconds * 1_000_000
        var isHeld = settle > 0 && (changedAt.map { $0 + settle > run.begunAt } ?? false)
        if let heldSince, moment >= heldSince + 10 * settle { isHeld = false }
        let isExpected = verdict == run.expected
        results.append(Result(verdict: verdict, isExpected: isExpected, isHeld: isHeld))
        if isHeld {
            heldSince = heldSince ?? changedAt
            return .held
        }
        heldSince = nil
        dueAt = moment
        if isExpected {
            results = []
        } else {
            // What was held back counts with it, but what was before the last expected one.
            results = results.suffix(while: { !$0.isExpected }).map {
                Result(verdict: $0.verdict, isExpected: false, isHeld: false)
            }
        }
        let isBad = results.count >= spec.failureThreshold
        let isNews = isBroken ? results.isEmpty : isBad
        due =
            isNews ? Due(slot: run.slot, verdict: verdict, mismatches: results.count) : nil
        if !run.isOfOtherWork { compare(run, verdict, steps) }
        return .counted
    }

    enum Judgement { case nothing, excused, held, counted }

    private mutating func compare(_ run: Run, _ verdict: Verdict, _ steps: [String]?) {
        guard let told = known, told.verdict == verdict else {
            known = (verdict, steps, run.slot)
            (pathSlot, pathNow, pathDue) = (run.slot, steps, nil)
            return
        }
        guard let steps, run.slot >= pathSlot else { return }
        defer { (pathSlot, pathNow) = (run.slot, steps) }
        if told.steps == nil || told.steps == steps {
            known = (verdict, steps, run.slot)
            pathDue = nil
        } else if pathNow != steps {
            pathDue = Due(
                slot: run.slot, verdict: verdict, mismatches: results.count, before: told.steps,
                after: steps, beforeSlot: told.slot)
        }
    }

    /// Somebody said it.
    mutating func said(_ kind: ProbeChange.Kind) {
        switch kind {
        case .broken: (isBroken, due) = (true, nil)
        case .healthy: (isBroken, due) = (false, nil)
        case .pathChanged:
            if pathDue != nil, let known { self.known = (known.verdict, pathNow, pathSlot) }
            pathDue = nil
        }
    }
}

extension Array {
    fileprivate func suffix(while isIn: (Element) -> Bool) -> [Element] {
        Array(reversed().prefix(while: isIn).reversed())
    }
}

extension Ledger {
    /// What fell due in an earlier transaction was said within it.
    func checkFindings(before row: EventRow) throws {
        for (id, story) in schedules where story.probe.dueAt < row.recordedAt {
            guard story.probe.due == nil, story.probe.pathDue == nil else {
                throw Violation("event \(row.position): schedule \(id) kept a finding to itself")
            }
        }
    }

    /// It is what had to be said, and nothing else.
    mutating func say(
        _ change: ProbeChange, _ row: EventRow, _ probe: inout ProbeStory
    ) throws {
        var said = ProbeStory.Due(
            slot: change.slot.microseconds, verdict: change.verdict,
            mismatches: change.mismatches)
        let due = change.path == nil ? probe.due : probe.pathDue
        if let turn = change.path {
            said.beforeSlot = turn.beforeSlot.microseconds
            for (digest, steps) in [(turn.before, due?.before), (turn.after, due?.after)] {
                // A digest stands for one path, and a path has one digest.
                if let steps, paths.updateValue(steps, forKey: digest) ?? steps != steps {
                    throw Violation("event \(row.position): \(digest) stands for two paths")
                }
            }
            guard Set(paths.values).count == paths.count else {
                throw Violation("event \(row.position): a path has two digests")
            }
            (said.before, said.after) = (due?.before, due?.after)
        }
        guard said == due else {
            throw Violation("event \(row.position): \(change), and not \(String(describing: due))")
        }
        tally.findings[change.kind, default: 0] += 1
        probe.said(change.kind)
    }
}
