import Cluster
import Scheduler
import Testing
import Traceflow

@testable import Worker

/// How busy a sweep keeps the tags, in virtual time: each trace takes two seconds, as Antrea takes
/// to inject a packet whose destination's hardware address its node does not know.
struct TagUseTests {
    /// Ten nodes with ten Pods each.
    static let town = (0..<10).flatMap { node in
        [
            "{apiVersion: v1, kind: Node, metadata: {name: n\(node)}, spec: {podCIDR: 10.\(node).0.0/16}}"
        ]
            + (0..<10).map { pod in
                """
                {apiVersion: v1, kind: Pod, metadata: {name: p\(node)-\(pod), namespace: t},
                 spec: {nodeName: n\(node)}, status: {podIP: 10.\(node).0.\(pod + 2)}}
                """
            }
    }.joined(separator: "\n---\n")

    @Test(
        arguments: [
            (TagProfile.perNode, 10 * 14), (.antrea, 14), (.external(reserve: 4, foreign: 0), 10),
        ])
    func tagsAreBusyWhileWorkRemains(profile: TagProfile, tags: Int) throws {
        let finder = PathFinder(
            cluster: try Cluster(ManifestReader.read(text: Self.town, file: "town")))
        var request = SweepRequest(pairs: SweepPairs(ports: [.init(protocol: "TCP", number: 80)]))
        request.total = try SweepPlan.pairs(request.pairs, finder).memberCount
        let plan = try SweepPlan(id: SweepID(1), request: request, finder: finder)
        var state = SchedulerState()
        state.evolve(profile)
        for (number, member) in plan.members(0..<request.total).enumerated() {
            let place = Int64(number + 2)
            state.evolve(
                TraceID(place), .requested(member), position: place,
                at: Moment(microseconds: 0))
        }
        var position = request.total + 2
        var now = Moment(microseconds: 0)
        var running: [(id: TraceID, ends: Moment, tags: Int)] = []
        var busy: Int64 = 0
        var counted: Int64 = 0
        while state.pendingCount > 0 {
            for decision in state.decide(
                DecisionContext(now: now, executors: [Executor(id: "w", inFlightMax: 100_000)]),
                position: position)
            {
                position += 1
                guard case .tagAllocated(let allocation) = decision.event else { continue }
                let held: Int =
                    if profile == .perNode, case .nodes(let nodes) = allocation.scope {
                        nodes.count
                    } else {
                        1
                    }
                running.append((decision.trace, now.advanced(bySeconds: 2), held))
            }
            let next = try #require(running.map(\.ends).min())
            // While so much waits that every tag could have some.
            if state.pendingCount >= tags {
                let length = next.microseconds - now.microseconds
                busy += length * Int64(running.reduce(0) { $0 + $1.tags })
                counted += length * Int64(tags)
            }
            now = next
            for run in running where run.ends <= now {
                state.evolve(
                    run.id, .succeeded(attempt: 1, verdict: .delivered), position: position,
                    at: now)
                position += 1
            }
            running.removeAll { $0.ends <= now }
        }
        let use = Double(busy) / Double(counted)
        #expect(use >= 0.98, "\(use)")
    }
}
