import JobLog
import Scheduler

/// Holds a worker's leases: the decider's, when it is free, and that of an executor.
///
///     none ──both granted in one transaction──▶ deciding and executing
///       └──the decider's is taken──▶ executing ──it becomes free──▶ deciding and executing
///
/// Renewed after three tenths of their time. A lease that somebody else took is gone; the epoch
/// in the log's own transaction keeps its late holder from deciding.
package struct LeaseKeeper {
    package static let deciderRole = "decider"
    static let executorRole = "executor/"
    /// How often a worker that does not decide looks whether it may, in microseconds.
    package static let standbyMicroseconds: Int64 = 200_000
    /// How long a list of the executors counts, in microseconds.
    private static let executorsMicroseconds: Int64 = 50_000

    private let log: JobLog
    private let clock: Clock
    private let options: Worker.Options
    package private(set) var decider: Lease?
    package private(set) var executor: Lease?
    private var renewAt: Int64 = .max
    private var lookAt: Int64 = 0
    private var known: (executors: [Executor], until: Int64)?

    init(log: JobLog, clock: Clock, options: Worker.Options) {
        self.log = log
        self.clock = clock
        self.options = options
    }

    /// Takes what is free and renews what is held.
    mutating func keep(isDraining: Bool) throws {
        let now = clock.monotonicMicroseconds()
        if !isDraining, decider == nil || executor == nil, now >= lookAt { try take(now) }
        guard now >= renewAt else { return }
        let held = [decider, executor].compactMap { $0 }
        guard !held.isEmpty else { return }
        let renewed = try log.renewLeases(
            held, durationMicroseconds: options.leaseMicroseconds)
        for (lease, renewed) in zip(held, renewed) {
            if lease.role == Self.deciderRole { decider = renewed } else { executor = renewed }
        }
        schedule(now)
    }

    private mutating func take(_ now: Int64) throws {
        lookAt = now + Self.standbyMicroseconds
        let mayDecide = try decider == nil && log.leases(rolePrefix: Self.deciderRole).isEmpty
        let mayExecute = executor == nil && (options.helpsOthers || mayDecide || decider != nil)
        var wishes: [LeaseWish] = []
        if mayDecide {
            wishes.append(
                LeaseWish(
                    role: Self.deciderRole, holder: options.id,
                    durationMicroseconds: options.leaseMicroseconds))
        }
        if mayExecute {
            wishes.append(
                LeaseWish(
                    role: Self.executorRole + options.id, holder: String(options.inFlightMax),
                    durationMicroseconds: options.leaseMicroseconds))
        }
        guard !wishes.isEmpty else { return }
        let leases = try log.acquireLeases(
            wishes, forgetting: mayDecide ? Self.executorRole : nil)
        for (wish, lease) in zip(wishes, leases) {
            if wish.role == Self.deciderRole { decider = lease } else { executor = lease }
        }
        known = nil
        schedule(now)
    }

    private mutating func schedule(_ now: Int64) {
        renewAt = now + options.leaseMicroseconds * 3 / 10
    }

    /// Gives up deciding without a word: somebody else does it.
    mutating func loseDecider() { decider = nil }

    /// Who can work, and how much at once.
    mutating func executors(isDraining: Bool, inFlightMax: Int) throws -> [Executor] {
        let now = clock.monotonicMicroseconds()
        if let known, now < known.until { return known.executors }
        let executors = try log.leases(rolePrefix: Self.executorRole).map { lease in
            let id = String(lease.role.dropFirst(Self.executorRole.count))
            let room = id == options.id && isDraining ? 0 : Int(lease.holder) ?? 0
            return Executor(id: id, inFlightMax: min(room, inFlightMax))
        }
        known = (executors, now + Self.executorsMicroseconds)
        return executors
    }

    /// When to come back at the latest, in microseconds of the monotonic clock.
    package var nextLook: Int64 { decider == nil ? min(renewAt, lookAt) : renewAt }

    /// Hands everything back. A lease that stays runs out by itself.
    package mutating func release() throws {
        let (held, gone) = ([decider].compactMap { $0 }, [executor].compactMap { $0 })
        (decider, executor) = (nil, nil)
        if !held.isEmpty || !gone.isEmpty { try log.releaseLeases(held, forgetting: gone) }
    }
}
