import Dispatch
import JobLog
import Scheduler
import Synchronization
import TraceLog
import Traceflow

/// Tells of probes that changed, until it was told: at least once, with an identity that stays.
///
///     offered ──▶ being told ──told──▶ NotificationDelivered in the log ──▶ not offered any more
///                   ▲    │
///                   └────┴──failed: after a while, twice as long each time──┘
///
/// What is to be told follows from the log, so whoever decides next goes on with it. Nothing here
/// holds up who decides: telling happens on a queue of its own.
public final class Notifier: Sendable {
    private let log: JobLog
    private let coding: TraceCoding
    private let senders: [any NotificationSender]
    private let complain: @Sendable (String) -> Void
    private let queue = DispatchQueue(label: "tracectl.notifier")
    private let state = Mutex(State())
    private let firstDelayMilliseconds: Int

    private struct State {
        var taken: Set<String> = []
        /// What is being told or waits behind it, by schedule.
        var waiting: [ScheduleID: [ProbeNotification]] = [:]
        var isStopped = false
        var failures = 0
        /// Whether something could not be told since it was stopped.
        var hasFailed = false
    }

    private static let delayMaxMilliseconds = 300_000

    /// `complain` is told why something could not be told.
    public init(
        log: JobLog, senders: [any NotificationSender], firstDelayMilliseconds: Int = 1000,
        complain: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.log = log
        coding = TraceCoding(log: log)
        self.senders = senders
        self.firstDelayMilliseconds = firstDelayMilliseconds
        self.complain = complain
    }

    /// How often something could not be told.
    public var failures: Int { state.withLock { $0.failures } }

    /// Takes what is to be told; what is taken already is left as it is. Does not wait.
    func offer(_ notices: [ProbeNotice]) {
        for notice in notices {
            let notification = ProbeNotification(
                id: "\(log.logID)/\(notice.schedule)/\(notice.number)",
                schedule: notice.schedule, number: notice.number, probe: notice.name,
                labels: notice.labels, change: notice.change)
            let isFirst = state.withLock { state in
                guard !state.isStopped, state.taken.insert(notification.id).inserted else {
                    return false
                }
                state.waiting[notice.schedule, default: []].append(notification)
                return state.waiting[notice.schedule]?.count == 1
            }
            if isFirst {
                queue.async { self.tell(notice.schedule, self.firstDelayMilliseconds) }
            }
        }
    }

    /// Tries once what was taken and not tried yet, until one fails; then nothing more is told.
    public func stop() {
        state.withLock { $0.isStopped = true }
        queue.sync {}
    }

    /// Tells what waits of the schedule, in order: what came later must not overtake what could not
    /// be told yet, nor be taken for it.
    private func tell(_ schedule: ScheduleID, _ delay: Int) {
        var delay = delay
        while let notification = state.withLock({ $0.waiting[schedule]?.first }) {
            let isRetry = delay > firstDelayMilliseconds
            guard !state.withLock({ $0.isStopped && ($0.hasFailed || isRetry) }) else { return }
            do {
                try tell(notification)
            } catch {
                state.withLock { state in
                    state.failures += 1
                    state.hasFailed = state.isStopped
                }
                complain("notification \(notification.id): \(error); trying again")
                let next = max(delay + 1, min(2 * delay, Self.delayMaxMilliseconds))
                queue.asyncAfter(deadline: .now() + .milliseconds(delay)) {
                    self.tell(schedule, next)
                }
                return
            }
            delay = firstDelayMilliseconds
            state.withLock { state in
                state.waiting[schedule]?.removeFirst()
                if state.waiting[schedule]?.isEmpty == true { state.waiting[schedule] = nil }
            }
        }
    }

    private func tell(_ notification: ProbeNotification) throws {
        for sender in senders { try sender.send(notification) }
        let draft = try coding.draft(
            .schedule(.notified(number: notification.number)),
            stream: .existing(notification.schedule.rawValue))
        // It stays taken: who decides may not have read yet that it was told.
        try log.append(AppendRequest(drafts: [draft]))
    }
}
