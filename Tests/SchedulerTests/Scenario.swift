import Scheduler
import Testing
import Traceflow

/// A scheduler driven by hand: events in, decisions out, time as an argument.
struct Scenario {
    var state = SchedulerState()
    var position: Int64 = 1
    var log: [(TraceID, TraceEvent)] = []
    var executors = [Executor(id: "worker-1", inFlightMax: 1_000_000)]

    static func at(_ seconds: Int, _ microseconds: Int64 = 0) -> Moment {
        Moment(microseconds: 0).advanced(bySeconds: seconds)
            .advanced(byMicroseconds: microseconds)
    }

    mutating func given(_ id: Int64, _ event: TraceEvent, at seconds: Int = 0) {
        state.evolve(TraceID(id), event, position: position, at: Self.at(seconds))
        log.append((TraceID(id), event))
        position += 1
    }

    @discardableResult
    mutating func decide(
        at moment: Moment = Scenario.at(0), overdueAt: Moment? = nil
    ) -> [Decision] {
        let context = DecisionContext(now: moment, overdueAt: overdueAt, executors: executors)
        let decisions = state.decide(context, position: position)
        position += Int64(decisions.count)
        log += decisions.map { ($0.trace, $0.event) }
        return decisions
    }

    /// The traces that wait or run, by number.
    var open: [TraceID] {
        Set(log.map(\.0)).filter { state.life(of: $0) != nil }.sorted()
    }

    /// The whole story of one trace, folded anew.
    func trace(_ id: Int64, at seconds: Int = 0) -> Trace? {
        var trace: Trace?
        for (subject, event) in log where subject == TraceID(id) {
            if trace == nil {
                trace = Trace(event, at: Self.at(seconds))
            } else {
                trace?.evolve(event, at: Self.at(seconds))
            }
        }
        return trace
    }
}

func request(
    _ name: String = "t", priority: Int = 5, retries: Int = 0, timeout: Int? = nil,
    live: Bool = false, droppedOnly: Bool = false, hasSource: Bool = true,
    scope: TagScope = .allNodes
) -> TraceEvent {
    let source = hasSource ? TraceflowSpec.Source(namespace: "default", pod: "a") : nil
    let spec = TraceflowSpec(
        source: source, destination: .init(namespace: "default", pod: "b"),
        liveTraffic: live ? true : nil, droppedOnly: droppedOnly ? true : nil, timeout: timeout)
    return .requested(
        TraceRequest(
            name: name, apiVersion: .v1beta1, spec: spec, priority: priority, retries: retries,
            scope: scope))
}

func report(
    attempt: Int = 1, node: String = "node-1", sequence: Int = 1, _ steps: String...
) -> TraceEvent {
    let observations = steps.compactMap { step -> Observation? in
        let parts = step.split(separator: "/").map(String.init)
        guard let component = Component(rawValue: parts[0]), let action = Action(rawValue: parts[1])
        else {
            Issue.record("no such observation: \(step)")
            return nil
        }
        return Observation(component, action)
    }
    return .nodeReported(
        ReportID(attempt: attempt, node: node, sequence: sequence),
        NodeResult(node: node, timestamp: 0, observations: observations))
}
