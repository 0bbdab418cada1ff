import Scheduler
import Traceflow

/// A moment at which what a schedule finds turned.
public struct ProbeFlip: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// The verdict is another.
        case verdict
        /// The verdict is the same, and the packet comes to it in another way.
        case path
    }

    public var kind: Kind
    /// The last run that found it as before, and the first that did not.
    public var before: ProbeRun
    public var after: ProbeRun
    /// What was said because of it; nil where it was held back and passed, or expected.
    public var finding: ProbeChange?
}

extension ProbeHistory {
    /// Where one run found something else than the one before it; runs that have not ended yet
    /// are not among them. `findings` are those of the probe, in order.
    public static func flips(in runs: [ProbeRun], findings: [ProbeChange] = []) -> [ProbeFlip] {
        var flips: [ProbeFlip] = []
        var last: ProbeRun?
        // A run that ran out of time does not tell its path.
        var lastWhole: ProbeRun?
        for run in runs {
            if let before = last, before.verdict != run.verdict {
                flips.append(ProbeFlip(kind: .verdict, before: before, after: run))
                lastWhole = nil
            } else if let before = lastWhole, let path = run.path, before.path != path {
                flips.append(ProbeFlip(kind: .path, before: before, after: run))
            }
            last = run
            if run.path != nil { lastWhole = run }
        }
        for finding in findings { add(finding, to: &flips, runs) }
        return flips
    }

    /// A finding belongs to the flip that it came of; results that were held back, or did not
    /// count, may lie between the two.
    private static func add(
        _ finding: ProbeChange, to flips: inout [ProbeFlip], _ runs: [ProbeRun]
    ) {
        guard let turn = finding.path else {
            let isHealthy = finding.kind == .healthy
            let place = flips.lastIndex {
                $0.kind == .verdict && $0.after.slot <= finding.slot
                    && $0.before.isExpected == !isHealthy && $0.after.isExpected == isHealthy
            }
            if let place, flips[place].finding == nil { flips[place].finding = finding }
            return
        }
        let place = flips.lastIndex {
            $0.kind == .path && $0.after.slot <= finding.slot && $0.after.slot > turn.beforeSlot
                && $0.before.path == turn.before && $0.after.path == turn.after
        }
        if let place {
            flips[place].finding = finding
        } else if let before = runs.first(where: { $0.slot == turn.beforeSlot }),
            let after = runs.first(where: { $0.slot == finding.slot })
        {
            let next = flips.firstIndex { $0.after.slot > finding.slot } ?? flips.count
            flips.insert(
                ProbeFlip(kind: .path, before: before, after: after, finding: finding), at: next)
        }
    }
}
