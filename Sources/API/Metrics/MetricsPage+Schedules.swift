import Scheduler
import Traceflow
import Worker

extension MetricsPage {
    /// Schedules, their slots and their probes.
    mutating func putSchedules(_ work: MetricsReading.Work) {
        let fold = work.fold
        put { out in
            out.put(
                .counter, "tracectl_slots_fired_total", "Slots of schedules that began, by whom.",
                each: [
                    (["by": "clock"], Double(fold.slotsFiredByClock)),
                    (["by": "hand"], Double(fold.slotsFiredByHand)),
                ])
            out.put(
                .counter, "tracectl_slots_missed_total",
                "Slots that did not begin, by reason: too late, the one before still running,"
                    + " unable to begin.",
                each: MissedSlots.Reason.allCases.map { reason in
                    (["reason": reason.rawValue], Double(fold.slotsMissed[reason] ?? 0))
                })
            out.put(
                "tracectl_slot_lateness_seconds",
                "From a slot's moment, jitter included, to its beginning, by this worker.",
                each: [([:], work.slotLateness)])
            out.put(
                .counter, "tracectl_probe_changes_total", "Probes that broke and healed.",
                each: [
                    (["to": "Broken"], Double(fold.probesBroken)),
                    (["to": "Healthy"], Double(fold.probesHealed)),
                ])
            guard let figures = work.figures else { return }
            out.put(
                .gauge, "tracectl_schedules", "Schedules, by whether they are paused.",
                each: [
                    (["state": "active"], Double(figures.schedulesActive)),
                    (["state": "paused"], Double(figures.schedulesPaused)),
                ])
            Self.put(figures.probes, fold.lastRuns, &out)
        }
    }

    /// At most `probesMax` of them, first the broken ones: no alert is lost to the bound.
    private static func put(
        _ probes: [DeciderFigures.Probe], _ lastRuns: [ScheduleID: Moment], _ out: inout Exposition
    ) {
        let brokenCount = probes.count { $0.isBroken }
        out.put(
            .gauge, "tracectl_probes", "Probes, by state; all of them.",
            each: [
                (["state": "Broken"], Double(brokenCount)),
                (["state": "Healthy"], Double(probes.count - brokenCount)),
            ])
        let shown = probes.sorted { a, b in
            a.isBroken != b.isBroken ? a.isBroken : a.name < b.name
        }.prefix(probesMax).sorted { $0.name < $1.name }
        out.put(
            .gauge, "tracectl_probes_omitted", "Probes beyond the \(probesMax) that have series.",
            Double(probes.count - shown.count))
        out.put(
            .gauge, "tracectl_probe_healthy", "Whether the probe is Healthy: 0 when it is Broken.",
            each: shown.map { (["probe": $0.name], $0.isBroken ? 0 : 1) })
        out.put(
            .gauge, "tracectl_probe_mismatches", "Unexpected results of the probe in a row.",
            each: shown.map { (["probe": $0.name], Double($0.mismatches)) })
        out.put(
            .gauge, "tracectl_probe_last_run_timestamp_seconds",
            "When the probe's last run ended, if this worker saw it begin.",
            each: shown.compactMap { probe in
                lastRuns[probe.schedule].map {
                    (["probe": probe.name], Exposition.seconds($0.microseconds))
                }
            })
    }
}
