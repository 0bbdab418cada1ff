import Cluster
import Kubernetes
import Scheduler
import Traceflow

/// What is to be done about the attempts of this worker on a real cluster. Only decides: time,
/// answers and what the watch tells are handed in, and what is to be done is handed out.
///
/// An attempt:
///
///     waiting for a credit ──create──▶ creating ──there──▶ present ──Running──▶ begun ──▶ over
///           ▲                             │                  │ empty for 5 s              (stop)
///           │                             │ refused: failed  ▼
///           └───next incarnation──────────┴─────────── deleting ──▶ settled: the credit is free
///
/// Invariants:
/// - an object counts as a credit from before it is created until the watch says that it is gone;
/// - credits in use are never more than 14 less the reserve less the Traceflows of others, as far
///   as the watch tells; where others wait nothing new is created;
/// - an object that was begun is never made again: the next incarnation has another name, and
///   comes only after one that Antrea had not begun at the version that was deleted;
/// - what the log has ended is deleted, by uid.
struct AntreaPlan: Sendable {
    let log: String
    let reserve: Int
    var radius: BlastRadius
    private(set) var isSynced = false
    var runs: [TraceAttempt: Run] = [:]
    /// Attempts without an object, in the order in which they came.
    var line: [TraceAttempt] = []
    /// The objects we made, by name, from before they are there until they are gone.
    var made: [String: Made] = [:]
    /// The objects of others, of this log's other workers, and what was left behind.
    var others: [String: Other] = [:]
    /// Since when the server has refused to make objects, and has made none.
    var refusingSince: Int64?

    /// One attempt.
    struct Run: Hashable, Sendable {
        var started: StartedAttempt
        var incarnation = 1
        /// When it may be made, on the monotonic clock.
        var notBefore: Int64 = 0
        var backoff = Backoff(firstMilliseconds: 1000, millisecondsMax: 30_000)
        var madeAt: Moment?
        var isBegun = false
        var isReported = false
        var reportedResults = 0
        var isCaptureReported = false
        /// What was seen and is not yet told, and since when.
        var held: AntreaStatus?
        var heldSince: Int64?
    }

    struct Made: Hashable, Sendable {
        enum State: Hashable, Sendable {
            /// Whether it is there nobody knows.
            case creating
            case present
            case deleting
        }

        var attempt: TraceAttempt
        var state = State.creating
        /// Whether a request to create it is under way: while it is, the object stays, so that the
        /// request finds the name taken and does not make, and run, the attempt again.
        var isAsked = true
        var uid: String?
        var resourceVersion = ""
        /// Nobody waits for it any more.
        var isOver = false
        /// Since when it was seen not to be begun.
        var emptySince: Int64?
        /// Whether it is deleted because Antrea does not begin it.
        var isRequeued = false
        /// Answers in a row by which a server refused to make it that may not be ready yet.
        var refusals = 0
        /// Whether a request to make it went unanswered.
        var mayBeThere = false
        /// When to look after it again, on the monotonic clock.
        var lookAt: Int64?
        var retry = Backoff(firstMilliseconds: 250, millisecondsMax: 10_000)
    }

    struct Other: Hashable, Sendable {
        var uid: String
        /// Nil where it is somebody else's altogether.
        var attempt: TraceAttempt?
        var holdsTag: Bool
        var emptySince: Int64?
        var isDeleting = false
    }

    /// What is to be done.
    enum Action: Hashable, Sendable {
        case create(AntreaObject, TraceRequest)
        case read(name: String)
        /// Only the object with the uid; with a version, only as it was then.
        case delete(name: String, uid: String, resourceVersion: String?)
        case report(BackendReport)
        /// Ask the log whether the attempt still runs.
        case judge(name: String, uid: String, TraceAttempt)
        /// Look again at this moment of the monotonic clock.
        case look(at: Int64)
    }

    /// Antrea leaves a trace without a tag alone for longer and longer: better to ask anew.
    static let emptyMicrosecondsMax: Int64 = 5_000_000
    /// A server that has only just begun knows its kinds and roles again by then.
    static let refusedMicrosecondsMax: Int64 = 10_000_000
    static let refusalsMax = 4
    /// As long as Antrea may leave alone one who waits; then it is given up, or forgotten.
    static let othersWaitMicrosecondsMax: Int64 = 300_000_000
    /// The terminal write adds the Pod to results that name a translated address.
    static let heldMicrosecondsMax: Int64 = 1_000_000

    init(log: String, reserve: Int, radius: BlastRadius = BlastRadius()) {
        self.log = log
        self.radius = radius
        self.reserve = reserve
    }

    // MARK: credits

    /// The tags that Traceflows of others hold or want.
    var foreign: Int { others.values.count { $0.attempt == nil && $0.holdsTag } }

    /// Credits in use: of this worker, and of the log's others.
    var used: Int { made.count + others.values.count { $0.attempt != nil && $0.holdsTag } }

    var hasCredit: Bool { used + foreign + reserve < TagPool.tags.count }

    /// Whether others wait for a tag, whom a new object of ours would keep waiting.
    func othersWait(at now: Int64) -> Bool {
        others.values.contains {
            $0.attempt == nil
                && $0.emptySince.map { now - $0 < Self.othersWaitMicrosecondsMax } == true
        }
    }

    /// What is to be told of the allotment.
    var allotment: TagProfile {
        .external(reserve: reserve, foreign: min(TagPool.tags.count, foreign))
    }

    mutating func markSynced() { isSynced = true }

    /// Whether nothing of this log is on the cluster that should not be.
    var isClean: Bool {
        made.isEmpty && !others.values.contains { $0.attempt != nil && $0.isDeleting }
    }

    // MARK: attempts

    mutating func start(_ attempt: StartedAttempt, at now: Int64, _ time: Moment) -> [Action] {
        let key = TraceAttempt(trace: attempt.trace, attempt: attempt.attempt)
        guard runs[key] == nil else { return [] }
        if let fault = fault(of: attempt.request) {
            return [
                .report(
                    BackendReport(
                        trace: key.trace,
                        id: ReportID(attempt: key.attempt, node: "", sequence: 1),
                        content: .failed(error: fault)))
            ]
        }
        runs[key] = Run(started: attempt)
        line.append(key)
        return pump(at: now, time)
    }

    /// What a real cluster cannot do, or does not want; nil when it can.
    private func fault(of request: TraceRequest) -> String? {
        if let namespace = radius.refusing(BlastRadius.namespaces(of: request.spec)) {
            return "namespace \(namespace) wants no traces (label \(TracingOptOut.label))"
        }
        if request.packetCapture != nil {
            return "PacketCaptures are not made on a real cluster; make one with kubectl"
        }
        if request.spec.capture != nil {
            return "a real cluster gives no packets to keep; leave out spec.capture"
        }
        return nil
    }

    mutating func stop(_ key: TraceAttempt, at now: Int64, _ time: Moment) -> [Action] {
        runs[key] = nil
        line.removeAll { $0 == key }
        var actions: [Action] = []
        for (name, object) in made where object.attempt == key {
            made[name]?.isOver = true
            if object.state == .present { actions += delete(name) }
        }
        return actions + pump(at: now, time)
    }

    /// Makes objects of those that wait, as far as credits reach.
    mutating func pump(at now: Int64, _ time: Moment) -> [Action] {
        guard isSynced else { return [] }
        var actions: [Action] = []
        var place = line.startIndex
        while place < line.endIndex, hasCredit, !othersWait(at: now) {
            let key = line[place]
            guard let run = runs[key] else {
                line.remove(at: place)
                continue
            }
            guard run.notBefore <= now else {
                place += 1
                continue
            }
            // Others behind it may be of namespaces that have some left.
            let namespaces = BlastRadius.namespaces(of: run.started.request.spec)
            if let wait = radius.take(namespaces, at: now) {
                actions.append(.look(at: wait))
                place += 1
                continue
            }
            line.remove(at: place)
            let object = AntreaObject(log: log, attempt: key, incarnation: run.incarnation)
            runs[key]?.madeAt = time
            made[object.name] = Made(attempt: key)
            actions.append(.create(object, run.started.request))
        }
        if !line.isEmpty, othersWait(at: now),
            let since = others.values.filter({ $0.attempt == nil }).compactMap(\.emptySince).min()
        {
            actions.append(.look(at: max(now + 1, since + Self.othersWaitMicrosecondsMax)))
        }
        if let next = line.compactMap({ runs[$0]?.notBefore }).filter({ $0 > now }).min() {
            actions.append(.look(at: next))
        }
        return actions
    }

    /// Deletes an object that is there, whatever it has become.
    mutating func delete(_ name: String) -> [Action] {
        guard let object = made[name], let uid = object.uid, !object.isAsked else { return [] }
        made[name]?.state = .deleting
        return [.delete(name: name, uid: uid, resourceVersion: nil)]
    }

    /// Tells that the attempt cannot be run, once.
    mutating func fail(_ key: TraceAttempt, _ node: String, _ error: String) -> [Action] {
        guard let run = runs[key], !run.isReported else { return [] }
        runs[key]?.isReported = true
        return [
            .report(
                BackendReport(
                    trace: key.trace,
                    id: ReportID(
                        attempt: key.attempt, node: node, sequence: run.reportedResults + 1),
                    content: .failed(error: error)))
        ]
    }
}
