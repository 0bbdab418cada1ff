import Traceflow

/// What a run came to.
struct RunResult: Hashable, Sendable {
    var verdict: Verdict
    /// Nil unless the trace told all of it.
    var path: PathDigest?
}

/// What results mean for a probe.
///
///     a result ──in maintenance──▶ nothing
///        │ └─the cluster has just changed──▶ held ──the next that counts is unexpected──▶ counts
///        ▼                                    └──it is as expected──▶ forgotten
///      counts: mismatches in a row, the path compared with that of the last one that counted
///
/// All of it follows from events alone, so a restart in the midst of a window decides the same.
extension ScheduleLife {
    /// Takes in the end of a run at the moment. `clusterChangedAt` is when the cluster was last
    /// seen to have changed until then.
    mutating func end(
        _ subject: Run.Subject, _ result: RunResult?, at moment: Moment, clusterChangedAt: Moment?
    ) {
        guard let place = runs.firstIndex(where: { $0.subject == subject }) else { return }
        let run = runs.remove(at: place)
        guard let result, let expected = run.expected,
            !SlotFiring.isExcused(run.maintenance, endedAt: moment)
        else { return }
        if let change = change(unsettling: run, clusterChangedAt, at: moment) {
            hold(result.verdict == expected, since: change)
        } else {
            count(result, of: run, expected)
        }
    }

    /// The change of the cluster that was so near to the run that its result must wait.
    ///
    /// A run under way at any moment of the window is near to it. What was held back first is held
    /// for so long at most, so a cluster that changes all the time does not silence a probe.
    private func change(unsettling run: Run, _ changedAt: Moment?, at moment: Moment) -> Moment? {
        let settle = spec.settleSeconds * 1_000_000
        guard settle > 0, let changedAt,
            changedAt.advanced(byMicroseconds: settle) > run.begunAt ?? run.slot
        else { return nil }
        guard let held else { return changedAt }
        let last = held.since.advanced(byMicroseconds: settle * ScheduleSpec.settleWindowsMax)
        return moment < last ? changedAt : nil
    }

    private mutating func hold(_ isExpected: Bool, since change: Moment) {
        var all = held ?? Held(since: change, count: 0, mismatches: 0, hasExpected: false)
        all.count += 1
        all.mismatches = isExpected ? 0 : all.mismatches + 1
        if isExpected { all.hasExpected = true }
        held = all
    }

    private mutating func count(_ result: RunResult, of run: Run, _ expected: Verdict) {
        if result.verdict == expected {
            mismatches = 0
        } else {
            // What was held back was no passing trouble.
            let before = held?.hasExpected == true ? 0 : mismatches
            mismatches = before + (held?.mismatches ?? 0) + 1
        }
        held = nil
        let shouldBreak = !isBroken && mismatches >= spec.failureThreshold
        if shouldBreak || isBroken && mismatches == 0 {
            change = ProbeChange(
                slot: run.slot, verdict: result.verdict, expected: expected,
                mismatches: mismatches)
        } else {
            change = nil
        }
        // Of a run that an earlier version set down, part of the path may be missing.
        if !run.isOfOtherWork, run.begunAt != nil { compare(result, of: run, expected) }
    }

    private mutating func compare(_ result: RunResult, of run: Run, _ expected: Verdict) {
        guard let last = found, last.verdict == result.verdict else {
            found = Found(verdict: result.verdict, path: result.path, pathSlot: run.slot)
            pathChange = nil
            return
        }
        // A run that did not tell all of its path says nothing of it, nor one that was overtaken.
        guard let path = result.path, run.slot >= last.pathSlot else { return }
        found = Found(verdict: result.verdict, path: path, pathSlot: run.slot)
        guard let lastPath = last.path else { return }
        let turn =
            pathChange?.path ?? PathTurn(before: lastPath, after: path, beforeSlot: last.pathSlot)
        guard path != turn.before else {
            // It is as it was before anybody was told.
            pathChange = nil
            return
        }
        guard path != lastPath else { return }
        pathChange = ProbeChange(
            slot: run.slot, verdict: result.verdict, expected: expected, mismatches: mismatches,
            path: PathTurn(before: turn.before, after: path, beforeSlot: turn.beforeSlot))
    }
}
