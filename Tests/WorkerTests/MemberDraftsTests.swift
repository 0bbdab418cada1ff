import Cluster
import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow

@testable import Worker

/// Members of sweeps on their way into the log and into the state of who asked for them.
struct MemberDraftsTests {
    /// Pods of one family and of both, two on a node and one alone.
    private static let town = """
        {apiVersion: v1, kind: Node, metadata: {name: n1},
         spec: {podCIDRs: [10.0.1.0/24, "fd00:1::/64"]}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n2},
         spec: {podCIDRs: [10.0.2.0/24, "fd00:2::/64"]}}
        ---
        """ + "\n"
        + [
            ("a", 1, ["10.0.1.10", "fd00:1::10"]), ("b", 1, ["10.0.1.11"]),
            ("c", 2, ["10.0.2.10", "fd00:2::10"]), ("d", 2, ["fd00:2::11"]),
        ].map { name, node, addresses in
            """
            {apiVersion: v1, kind: Pod, metadata: {name: \(name), namespace: t},
             spec: {nodeName: n\(node)}, status: {podIP: "\(addresses[0])",
             podIPs: [\(addresses.map { "{ip: \"\($0)\"}" }.joined(separator: ", "))]}}
            """
        }.joined(separator: "\n---\n")

    @Test(arguments: [false, true])
    func aMemberIsDraftedAsItsWholeRequestIs(prefersV6: Bool) throws {
        let stage = try Stage()
        let resources = try ManifestReader.read(text: Self.town, file: "town.yaml")
        let finder = PathFinder(cluster: try Cluster(resources))
        let ports: [SweepPairs.Port] = [
            .init(protocol: "TCP", number: 80), .init(protocol: "UDP", number: 53),
            .init(protocol: "ICMP", number: 0),
        ]
        var request = SweepRequest(
            pairs: SweepPairs(ports: ports, prefersV6: prefersV6), priority: 3, retries: 1,
            timeoutSeconds: 9)
        request.clusterDigest = [7]
        request.total = try SweepPlan.pairs(request.pairs, finder).memberCount
        let plan = try SweepPlan(id: SweepID(5), request: request, finder: finder)
        let requests = plan.members(0..<request.total)
        let drafts = MemberDrafts(plan)
        // The second time all is known already.
        for _ in 1...2 {
            let members = try drafts.members(0..<request.total, stage.coding)
            try #require(members.count == requests.count)
            for (member, request) in zip(members, requests) {
                let whole = try stage.coding.draft(.trace(.requested(request)), stream: .new(3))
                let short = stage.coding.draft(
                    ofMember: member.number, of: plan.id, member.symbols, stream: .new(3))
                #expect(short.payload == whole.payload)
                #expect(short.symbols.map { $0?.bytes } == whole.symbols.map { $0?.bytes })
                #expect(member.facts == request.facts)
            }
        }
        let families = Set(requests.map { $0.spec.packet?.ipv6Header != nil })
        #expect(families == [false, true])
    }

    /// Whoever decides next reads what this one took in without reading it.
    @Test func whatWasAskedForIsTakenInAsAReplayTakesItIn() throws {
        let field = try SweepWorkerTests.Field(openMax: 11)
        let (log, coding) = (field.stage.log, field.stage.coding)
        let lease = try #require(
            try log.acquireLease(
                role: LeaseKeeper.deciderRole, holder: "d", durationMicroseconds: 60_000_000))
        var decider = Decider(
            log: log, coding: coding, clock: .system, leaseMicroseconds: 60_000_000,
            checkpoints: CheckpointOptions(), plans: SweepPlans(clusters: field.stage.store),
            runs: nil)
        let crew = [Executor(id: "e", inFlightMax: 6)]
        var other: TraceID?
        for pass in 0..<200 {
            _ = try decider.decide(holding: lease, executors: crew, profile: nil)
            #expect(decider.position == (try log.lastPosition()))
            var fresh = SchedulerState()
            try log.scan(after: 0) { try coding.fold($0, into: &fresh) }
            try #require(decider.state == fresh)
            if fresh.sweeps.isEmpty, pass > 0 { break }
            // Others append in between: what was asked of the backend, and requests of their own.
            if pass == 2 { other = try field.stage.request([field.stage.manifest("o")]).first }
            var reports: [Draft] = []
            for id in try field.memberStreams() + [other].compactMap({ $0 }) {
                guard let held = fresh.allocation(of: id) else { continue }
                reports += try field.reports(on: id, attempt: held.attempt)
            }
            if !reports.isEmpty { try log.append(AppendRequest(drafts: reports)) }
        }
        #expect(try field.entry().phase == .finished)
        #expect(try field.members() == (0..<field.request.total).map { $0 })
    }
}

extension SweepWorkerTests.Field {
    /// Streams of all members that were asked for.
    fileprivate func memberStreams() throws -> [TraceID] {
        var streams: [TraceID] = []
        try stage.log.scan(after: 0) { row in
            if try stage.coding.member(of: row) != nil { streams.append(TraceID(row.stream)) }
        }
        return streams
    }

    /// What the nodes report on the trace.
    fileprivate func reports(on id: TraceID, attempt: Int) throws -> [Draft] {
        let first = try #require(try stage.log.read(stream: id.rawValue).first)
        let request = try first.withRow { try stage.coding.request($0) }
        let seen = try stage.store.pathFinder(for: request).reports(
            for: request.spec, version: request.apiVersion, traffic: [], choose: { _ in 0 })
        return try seen.compactMap { node in
            guard case .observed(let observations, _) = node.content else { return nil }
            let result = NodeResult(node: node.node, timestamp: 0, observations: observations)
            return try stage.coding.draft(
                .trace(
                    .nodeReported(
                        ReportID(attempt: attempt, node: node.node, sequence: 1), result)),
                stream: .existing(id.rawValue))
        }
    }
}
