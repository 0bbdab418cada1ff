import Dispatch
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// A worker's deciding thread: keeps the leases, decides while it has the decider's, waits.
struct DecidingLoop {
    private let log: JobLog
    private let backend: any Backend
    private let clock: Clock
    private let options: Worker.Options
    private let shared: WorkerShared
    private let coding: TraceCoding
    private let clusters: ClusterStore

    init(worker: Worker, shared: WorkerShared) {
        log = worker.log
        backend = worker.backend
        clock = worker.clock
        options = worker.options
        coding = worker.coding
        clusters = worker.clusters
        self.shared = shared
    }

    /// Works until the worker is finished; an error is left where the other thread finds it.
    func run() {
        var deciding = Deciding(
            log: log, coding: coding, clock: clock, options: options,
            inFlightMax: backend.abilities.inFlightMax, plans: SweepPlans(clusters: clusters),
            runs: ScheduleRuns(clusters: clusters))
        let (log, shared) = (log, shared)
        backend.whenAllotmentChanges { log.wake(shared.deciding) }
        var gauge = options.meter.map { DecidingGauge(meter: $0, clock: clock) }
        var takesReports = false
        do {
            while !shared.isFinished {
                deciding.profile = profile(deciding)
                let worked = try deciding.step(isDraining: shared.isDraining)
                if takesReports != (deciding.leases.decider != nil) {
                    takesReports.toggle()
                    if takesReports {
                        log.setDecider(shared.deciding)
                    } else {
                        log.removeDecider(shared.deciding)
                    }
                }
                gauge?.look(at: deciding.decider.state, position: deciding.decider.position)
                // Before anybody is told that nothing is left to do.
                if deciding.leases.decider != nil, let state = deciding.decider.state {
                    options.notifier?.offer(state.notices)
                }
                publish(deciding)
                if !worked, deciding.leases.decider == nil || !log.hasLeftToDecider {
                    try wait(deciding, atMost: gauge?.timeLeft)
                }
            }
            log.removeDecider(shared.deciding)
            try deciding.handOver()
        } catch {
            log.removeDecider(shared.deciding)
            // On the way out nothing can be mended: a lease that stays runs out by itself.
            try? deciding.leases.release()
            shared.fail(error)
            log.wake(shared.executing)
        }
    }

    /// Nil leaves the log's. What another data plane allotted is nothing to one that takes ours.
    private func profile(_ deciding: Deciding) -> TagProfile? {
        if let profile = backend.allotment ?? options.profile { return profile }
        guard backend.abilities.takesOurTags,
            case .external = deciding.decider.state?.tags.profile
        else { return nil }
        return .perNode
    }

    private func publish(_ deciding: Deciding) {
        let isIdle = deciding.decider.state?.isIdle == true
        let news = shared.publish(
            isDeciding: deciding.leases.decider != nil,
            idleAt: isIdle ? deciding.decider.position : nil)
        if news { log.wake(shared.executing) }
    }

    private func wait(_ deciding: Deciding, atMost timeMax: Int64?) throws {
        var timeout = deciding.leases.nextLook - clock.monotonicMicroseconds()
        if let timeMax { timeout = min(timeout, timeMax) }
        if let next = deciding.decider.nextMoment {
            timeout = min(timeout, next.microseconds - log.now())
        }
        if deciding.leases.decider == nil {
            timeout = min(timeout, LeaseKeeper.standbyMicroseconds)
            // Others decide: there is nothing to follow.
            _ = try log.waitForNews(
                after: .max, timeoutMicroseconds: max(0, timeout), waker: shared.deciding)
        } else {
            _ = try log.waitForNews(
                after: deciding.decider.position, timeoutMicroseconds: max(0, timeout),
                waker: shared.deciding)
        }
    }
}

/// The leases and the decider of one worker, a step at a time.
package struct Deciding {
    package var leases: LeaseKeeper
    package internal(set) var decider: Decider
    /// The profile to put in force; nil leaves the log's.
    package var profile: TagProfile?
    private let inFlightMax: Int
    private let log: JobLog
    private let beside: Beside
    /// Who decided before may have died before it noted them.
    private var hasLookedAtDigests = false

    /// Runs what takes long and need not be waited for.
    package typealias Beside = @Sendable (@escaping @Sendable () -> Void) -> Void

    package init(
        log: JobLog, coding: TraceCoding, clock: Clock, options: Worker.Options, inFlightMax: Int,
        plans: (any SweepExpanding)? = nil, runs: (any ScheduleRunning)? = nil,
        beside: @escaping Beside = { DispatchQueue.global(qos: .utility).async(execute: $0) }
    ) {
        leases = LeaseKeeper(log: log, clock: clock, options: options)
        decider = Decider(
            log: log, coding: coding, clock: clock, leaseMicroseconds: options.leaseMicroseconds,
            checkpoints: options.checkpoints, plans: plans, runs: runs, meter: options.meter)
        profile = options.profile
        self.inFlightMax = inFlightMax
        self.log = log
        self.beside = beside
    }

    /// Beside the deciding, since it takes seconds for a large segment.
    private mutating func recordDigests() {
        hasLookedAtDigests = true
        beside { [log] in
            // What cannot be noted now is noted by the next who looks.
            _ = try? log.recordDigests()
        }
    }

    /// Leaves in order, so that the next worker can begin at once.
    package mutating func handOver() throws {
        if let lease = leases.decider {
            do {
                try decider.handOver(holding: lease)
            } catch let error as JobLogError where error.code == .leaseLost {
                leases.loseDecider()
            }
        }
        try leases.release()
    }

    /// Keeps the leases and decides once; returns whether anything was decided.
    package mutating func step(isDraining: Bool) throws -> Bool {
        try leases.keep(isDraining: isDraining)
        guard let lease = leases.decider else {
            decider.stepDown()
            return false
        }
        let executors = try leases.executors(isDraining: isDraining, inFlightMax: inFlightMax)
        do {
            let decided = try decider.decide(
                holding: lease, executors: executors, profile: profile)
            if try decider.rollIfDue(holding: lease) || !hasLookedAtDigests { recordDigests() }
            return decided
        } catch let error as JobLogError where error.code == .leaseLost {
            leases.loseDecider()
            return false
        }
    }
}
