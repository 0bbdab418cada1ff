import Scheduler
import Synchronization
import Traceflow
import Worker

/// What the data plane of the world does with an attempt, by seed, trace and attempt.
final class Plane: Sendable {
    /// A report that is on its way.
    struct Sent: Sendable {
        var delay: Int64
        var report: BackendReport
        var isLate: Bool
    }

    private let seed: UInt64
    private let latency: Int64
    private let nodes: Int
    private let chances: [Fault: Int]
    private let calm = Atomic(false)

    init(_ plan: Plan) {
        seed = plan.seed
        latency = plan.latency
        nodes = plan.nodes
        chances = plan.chances
    }

    /// From now on all attempts are answered at once.
    func becomeCalm() { calm.store(true, ordering: .relaxed) }

    private func happens(_ fault: Fault, _ dice: inout Dice, _ faults: inout [Fault]) -> Bool {
        guard let chance = chances[fault], dice.happens(chance) else { return false }
        faults.append(fault)
        return true
    }

    /// What nodes will report of the attempt, and what went wrong with it.
    func reports(of attempt: StartedAttempt) -> (sent: [Sent], faults: [Fault]) {
        var dice = Dice(
            seed, .plane,
            UInt64(bitPattern: attempt.trace.rawValue &* 1000 &+ Int64(attempt.attempt)))
        var faults: [Fault] = []
        if calm.load(ordering: .relaxed) {
            return (contents(of: attempt, &dice, isWhole: true).map { sent($0, 0) }, faults)
        }
        if happens(.nodeSilent, &dice, &faults) { return ([], faults) }
        let isFailing = happens(.nodeFailed, &dice, &faults)
        var contents = contents(of: attempt, &dice, isWhole: !dice.happens(30))
        if isFailing {
            contents[0].content = .said(.failed(error: "no flow could be installed"))
        }
        var result: [Sent] = []
        var latest: Int64 = 0
        for report in contents {
            if happens(.reportLost, &dice, &faults) { continue }
            var delay = max(latest, dice.within(0...latency))
            if dice.happens(100) { delay = latest }
            if happens(.reportReordered, &dice, &faults) { delay = dice.within(0...delay) }
            let isLate = chances[.reportLate].map { dice.happens($0) } ?? false
            if isLate {
                let timeout = Int64(attempt.request.spec.timeoutSeconds) * 1_000_000
                delay = timeout + dice.within(-500_000...15_000_000)
            } else {
                latest = max(latest, delay)
            }
            result.append(sent(report, delay, isLate))
            if happens(.reportDoubled, &dice, &faults) {
                result.append(sent(report, delay + dice.within(0...4_000_000), isLate))
            }
        }
        return (result, faults)
    }

    private func sent(_ report: BackendReport, _ delay: Int64, _ isLate: Bool = false) -> Sent {
        Sent(delay: delay, report: report, isLate: isLate)
    }

    private func contents(
        of attempt: StartedAttempt, _ dice: inout Dice, isWhole: Bool
    ) -> [BackendReport] {
        var names: [String] = []
        switch attempt.request.scope {
        case .nodes(let scope): names = Array(scope.prefix(2))
        case .allNodes: names = ["n\(dice.below(nodes))", "n\(dice.below(nodes))"]
        }
        if names.count == 2, names[0] == names[1] || dice.happens(200) { names.removeLast() }
        var end: Action = [.delivered, .dropped, .rejected, .forwardedOutOfNetwork][dice.below(4)]
        // Probes find the same more often than not, now by one path and now by another.
        if attempt.request.naming.schedule != nil, attempt.trace.rawValue % 4 != 0 {
            end = .delivered
        }
        let policy = attempt.trace.rawValue % 3 == 0 ? "a" : "b"
        return names.enumerated().map { index, name in
            var observations = [
                Observation(
                    index == 0 ? .spoofGuard : .forwarding, index == 0 ? .forwarded : .received)
            ]
            if index == names.count - 1, isWhole {
                observations.append(
                    Observation(
                        .networkPolicy, .forwarded, networkPolicy: policy))
                observations.append(Observation(.forwarding, end))
            }
            return BackendReport(
                trace: attempt.trace,
                id: ReportID(attempt: attempt.attempt, node: name, sequence: 1),
                content: .observed(observations, captured: nil))
        }
    }
}

/// The data plane as one worker sees it: what it starts is answered later, or never.
///
/// Reports are planned here and sent by the simulation, through its queue.
final class PlaneOfWorker: Backend {
    let abilities = BackendAbilities(
        liveTraffic: true, droppedOnly: true, takesOurTags: true, inFlightMax: 4096)

    private struct State {
        var sent: [Plane.Sent] = []
        var faults: [Fault] = []
        var started = 0
    }

    private let plane: Plane
    private let state = Mutex(State())

    init(_ plane: Plane) { self.plane = plane }

    func start(_ attempt: StartedAttempt, report: @escaping @Sendable (BackendReport) -> Void) {
        let planned = plane.reports(of: attempt)
        state.withLock { state in
            state.started += 1
            state.faults += planned.faults
            state.sent += planned.sent.filter { $0.delay > 0 }
        }
        for sent in planned.sent where sent.delay == 0 { report(sent.report) }
    }

    // What was begun goes on: its reports come although nobody waits for them.
    func stop(_ trace: TraceID, attempt: Int) {}

    /// What was planned since this was last asked.
    func takePlanned() -> (sent: [Plane.Sent], faults: [Fault]) {
        state.withLock { state in
            defer { (state.sent, state.faults) = ([], []) }
            return (state.sent, state.faults)
        }
    }
}
