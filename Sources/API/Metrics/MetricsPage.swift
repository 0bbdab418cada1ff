import Scheduler
import Traceflow
import Worker

/// The page of `/metrics`: every family, always in the same order. `docs/metrics.md` explains them.
struct MetricsPage {
    private(set) var out = Exposition()

    /// Probes that get series of their own; those beyond are only counted.
    static let probesMax = 1000

    static func text(_ reading: MetricsReading) -> String {
        var page = MetricsPage()
        page.out.put(
            .gauge, "tracectl_build_info", "The version that runs; always 1.",
            each: [(["version": reading.version], 1)])
        if let work = reading.work {
            page.putWorker(work)
            page.putTraces(work)
            page.putSchedules(work)
            page.putNotifications(work)
        }
        if let process = reading.process { page.put(process) }
        return page.out.text
    }

    private mutating func putWorker(_ work: MetricsReading.Work) {
        out.put(
            .gauge, "tracectl_worker_is_decider", "Whether this worker decides.",
            work.isDeciding ? 1 : 0)
        if let log = work.log {
            out.put(
                .gauge, "tracectl_decider_lease_held",
                "Whether somebody alive holds the decider's lease.", log.epoch == nil ? 0 : 1)
            if let epoch = log.epoch {
                out.put(
                    .gauge, "tracectl_decider_epoch",
                    "The epoch of the decider's lease; each grant raises it.", Double(epoch))
            }
            out.put(
                .gauge, "tracectl_log_position", "The position of the log's last event.",
                Double(log.lastPosition))
            out.put(
                .gauge, "tracectl_worker_lag_events",
                "Events of the log that this worker has not taken in yet.",
                Double(max(0, log.lastPosition - work.fold.position)))
        }
        out.put(
            .counter, "tracectl_decider_takeovers_total",
            "How often somebody became the decider.", Double(work.fold.takeovers))
        putMoment(
            "tracectl_decider_last_pass_timestamp_seconds",
            "When this worker last looked at everything as the decider.", work.lastPass)
        putMoment(
            "tracectl_last_decision_timestamp_seconds",
            "When a decision was last recorded.", work.fold.lastDecision)
        out.put(
            "tracectl_append_seconds",
            "From being ready to be written to being durable, by what this worker writes.",
            each: CommitKind.allCases.map { kind in
                (["kind": kind.rawValue], work.commits[kind] ?? .commits)
            })
    }

    private mutating func putTraces(_ work: MetricsReading.Work) {
        let fold = work.fold
        if let figures = work.figures {
            out.put(
                .gauge, "tracectl_traces", "Traces that have not ended, by phase.",
                each: [
                    (["phase": Phase.pending.rawValue], Double(figures.pendingCount)),
                    (["phase": Phase.running.rawValue], Double(figures.runningCount)),
                ])
        }
        out.put(
            .counter, "tracectl_traces_requested_total", "Traces that were requested.",
            Double(fold.requested))
        out.put(
            .counter, "tracectl_attempts_started_total", "Attempts that got a tag.",
            Double(fold.started))
        out.put(
            .counter, "tracectl_traces_ended_total",
            "Attempts of traces that ended, by phase and verdict.",
            each: [Phase.succeeded, .failed].flatMap { phase in
                Verdict.allCases.map { verdict in
                    (
                        ["phase": phase.rawValue, "verdict": verdict.rawValue],
                        Double(fold.ended[.init(phase: phase, verdict: verdict)] ?? 0)
                    )
                }
            })
        out.put(
            .counter, "tracectl_traces_timed_out_total",
            "Attempts that ended at their deadline.", Double(fold.timedOut))
        out.put(
            .counter, "tracectl_traces_cancelled_total",
            "Attempts that ended since somebody wanted it.", Double(fold.cancelled))
        out.put(
            .counter, "tracectl_retries_total", "New attempts, by who wanted them.",
            each: [
                (["cause": "automatic"], Double(fold.retriesAutomatic)),
                (["cause": "hand"], Double(fold.retriesByHand)),
            ])
        out.put(
            "tracectl_queue_wait_seconds", "From request or retry to the tag.",
            each: [([:], fold.queueWait)])
        out.put(
            "tracectl_run_time_seconds", "From the tag to the end of the attempt.",
            each: [([:], fold.runTime)])
        guard let figures = work.figures else { return }
        out.put(
            .gauge, "tracectl_tags_held",
            "Tags that are held: of 14, or on each node where nodes have their own.",
            Double(figures.tagsHeld))
        out.put(
            .gauge, "tracectl_tags_capacity",
            "Tags that there are: 14 less a reserve, or 14 on each node that was traced on.",
            Double(figures.tagCapacity))
        out.put(
            .gauge, "tracectl_sweeps", "Sweeps that have not finished.", Double(figures.sweepCount))
        out.put(
            .gauge, "tracectl_sweep_members", "Members of the sweeps that have not finished.",
            Double(figures.sweepMembers))
        out.put(
            .gauge, "tracectl_sweep_members_ended",
            "Members of the sweeps that have not finished, of those that have ended.",
            Double(figures.sweepMembersEnded))
    }

    private mutating func putNotifications(_ work: MetricsReading.Work) {
        out.put(
            .counter, "tracectl_notifications_delivered_total",
            "Changes of probes that somebody was told of.", Double(work.fold.notified))
        guard let failures = work.notificationFailures else { return }
        out.put(
            .counter, "tracectl_notification_failures_total",
            "Attempts to tell somebody of a probe that failed.", Double(failures))
        guard let figures = work.figures else { return }
        out.put(
            .gauge, "tracectl_notifications_waiting",
            "Changes of probes that nobody was told of yet.", Double(figures.untoldCount))
    }

    private mutating func put(_ process: ProcessFigures) {
        out.put(
            .counter, "process_cpu_seconds_total", "Processor time of user and system.",
            process.cpuSeconds)
        if let bytes = process.residentBytes {
            out.put(
                .gauge, "process_resident_memory_bytes", "Memory in use, without what is swapped.",
                Double(bytes))
        }
        if let count = process.openFiles {
            out.put(.gauge, "process_open_fds", "Open files and sockets.", Double(count))
        }
        if let startedAt = process.startedAt {
            out.put(
                .gauge, "process_start_time_seconds", "When the process began, since 1970.",
                startedAt)
        }
    }

    mutating func put(_ body: (inout Exposition) -> Void) { body(&out) }

    private mutating func putMoment(_ name: String, _ help: String, _ moment: Moment?) {
        guard let moment else { return }
        out.put(.gauge, name, help, Exposition.seconds(moment.microseconds))
    }
}
