import Scheduler
import Traceflow

/// A history made up from a seed: requests, reports, cancellations, deletions, retries by hand,
/// changes of profile and of executors, and time.
struct RandomHistory {
    /// What may happen; each history has its own leaning.
    struct Leaning {
        var nodes: Int
        var priorities: Int
        var everywhere: Int
        /// How often a turn is a request, and a pass, of twenty.
        var requests: Int
        var passes: Int
        var timeoutMax: Int
        var retries: Int
        var changesProfile: Bool
        var decisionsMax: Int
    }

    let leaning: Leaning
    private(set) var random: SplitMix
    private(set) var now = Moment(microseconds: 1_000_000)
    private(set) var executors = [Executor(id: "a", inFlightMax: 90)]
    private var nextID: Int64 = 1
    private var requested: [TraceID] = []

    init(seed: Int) {
        random = SplitMix(seed: UInt64(seed))
        leaning = Leaning(
            nodes: 1 + random.next(6), priorities: 1 + random.next(3) * random.next(4),
            everywhere: random.next(3), requests: 5 + random.next(8), passes: 1 + random.next(3),
            timeoutMax: 1 + random.next(60), retries: random.next(3), changesProfile: seed % 4 == 0,
            decisionsMax: random.next(5) == 0 ? 1 + random.next(4) : 10_000)
    }

    var nodes: [String] { (0..<leaning.nodes).map { "n\($0)" } }

    enum Step {
        case event(TraceID, TraceEvent)
        case profile(TagProfile)
        case decide(DecisionContext)
    }

    /// What happens next, to a scheduler that knows these lives.
    mutating func next(_ life: (TraceID) -> TraceLife?) -> Step {
        now = now.advanced(byMicroseconds: Int64(random.next(400_000)))
        let turn = random.next(20)
        if turn < leaning.requests { return request() }
        if turn < leaning.requests + leaning.passes { return decide() }
        switch random.next(12) {
        case 0: return subject { .event($0, .cancelRequested) }
        case 1: return subject { .event($0, .deleted) }
        case 2: return retry(life)
        case 3 where leaning.changesProfile: return profile()
        case 4 where random.next(4) == 0:
            executors = (0...random.next(3)).map {
                Executor(id: ["a", "b", "c"][$0], inFlightMax: random.next(60))
            }
            return decide()
        default: return report(life)
        }
    }

    private mutating func decide() -> Step {
        let late = random.next(10) == 0 ? -5_000_000 : 0
        return .decide(
            DecisionContext(
                now: now, overdueAt: now.advanced(byMicroseconds: Int64(late)),
                executors: executors, decisionsMax: leaning.decisionsMax))
    }

    private mutating func request() -> Step {
        let id = TraceID(nextID)
        nextID += 1 + Int64(random.next(5) == 0 ? random.next(3000) : 0)
        requested.append(id)
        let names = (0..<1 + random.next(3)).map { _ in "n\(random.next(leaning.nodes))" }
        let scope = random.next(8) < leaning.everywhere ? TagScope.allNodes : .of(names)
        let spec = TraceflowSpec(
            source: .init(namespace: "d", pod: "p"), timeout: 1 + random.next(leaning.timeoutMax))
        return .event(
            id,
            .requested(
                TraceRequest(
                    name: "t", apiVersion: .v1beta1, spec: spec,
                    priority: random.next(leaning.priorities),
                    retries: leaning.retries * random.next(2), scope: scope)))
    }

    private mutating func report(_ life: (TraceID) -> TraceLife?) -> Step {
        let running = requested.filter { life($0)?.phase == .running }
        guard !running.isEmpty else { return request() }
        let id = running[random.next(running.count)]
        let attempt = (life(id)?.attempt ?? 1) - (random.next(8) == 0 ? 1 : 0)
        let report = ReportID(attempt: attempt, node: "n\(random.next(2))", sequence: 1)
        if random.next(8) == 0 {
            let ago = random.next(5) * random.next(1_000_000)
            return .event(
                id, .begun(attempt: attempt, at: now.advanced(byMicroseconds: Int64(-ago))))
        }
        if random.next(8) == 0 { return .event(id, .nodeFailed(report, error: "e")) }
        var observations = [Observation(.spoofGuard, .forwarded)]
        if random.next(4) > 0 { observations.append(Observation(.forwarding, .delivered)) }
        let result = NodeResult(node: report.node, timestamp: 0, observations: observations)
        return .event(id, .nodeReported(report, result))
    }

    private mutating func retry(_ life: (TraceID) -> TraceLife?) -> Step {
        let ended = requested.filter { life($0) == nil }
        guard !ended.isEmpty else { return request() }
        let facts = SchedulingFacts(
            priority: random.next(leaning.priorities), retries: leaning.retries,
            scope: .of(["n\(random.next(leaning.nodes))"]), timeoutSeconds: 3, droppedOnly: false,
            needsSender: true)
        let wait = random.next(2) * random.next(20)
        return .event(
            ended[random.next(ended.count)],
            .retryRequested(
                Retry(
                    attempt: 2 + random.next(3), notBefore: now.advanced(bySeconds: wait),
                    automaticNumber: 0, facts: facts)))
    }

    private mutating func profile() -> Step {
        switch random.next(4) {
        case 0: .profile(.antrea)
        case 1: .profile(.external(reserve: random.next(6), foreign: random.next(6)))
        default: .profile(.perNode)
        }
    }

    private mutating func subject(_ step: (TraceID) -> Step) -> Step {
        guard !requested.isEmpty else { return request() }
        // Mostly the young, which wait.
        let back = random.next(random.next(2) == 0 ? requested.count : min(20, requested.count))
        return step(requested[requested.count - 1 - back])
    }
}

/// A repeatable source of numbers (Steele, Lea and Flood's SplitMix64).
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A number from 0 up to, not including, `bound`.
    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(max(bound, 1)))
    }
}
