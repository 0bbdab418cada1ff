import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Lets cancellations take effect when no worker is there to do it.
public enum Settlement {
    private static let leaseMicroseconds: Int64 = 10_000_000

    /// Decides what is due, if nobody else does; nobody is offered to run anything, so attempts
    /// in flight wait for the next worker.
    public static func settle(_ log: JobLog, clock: Clock = .system, holder: String) throws {
        guard try log.leases(rolePrefix: LeaseKeeper.deciderRole).isEmpty else { return }
        let coding = TraceCoding(log: log)
        let lease = try log.acquireLease(
            role: LeaseKeeper.deciderRole, holder: holder, durationMicroseconds: leaseMicroseconds)
        guard let lease else { return }
        let prefix = LeaseKeeper.executorRole
        let executors = try log.leases(rolePrefix: prefix).map {
            Executor(id: String($0.role.dropFirst(prefix.count)), inFlightMax: 0)
        }
        var decider = Decider(
            log: log, coding: coding, clock: clock, leaseMicroseconds: leaseMicroseconds)
        do {
            while try decider.decide(holding: lease, executors: executors, profile: nil) {}
        } catch let error as JobLogError where error.code == .leaseLost {
            // It took too long here: who took the role decides what is due.
            return
        }
        try log.releaseLease(lease)
    }
}
