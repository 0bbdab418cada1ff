import Cluster
import History
import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow
import Worker

/// Sweeps from their request to their matrix, by real workers on a real log.
struct SweepWorkerTests {
    /// Six Pods on three nodes; `db` is locked to those of its namespace.
    static let town = """
        {apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDR: 10.0.1.0/24}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {podCIDR: 10.0.2.0/24}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n3}, spec: {podCIDR: 10.0.3.0/24}}
        ---
        """ + "\n"
        + [
            ("shop", "web-1", 1, 1), ("shop", "web-2", 1, 2), ("shop", "db", 2, 1),
            ("ops", "probe", 2, 2), ("ops", "web-3", 3, 1), ("ops", "web-4", 3, 2),
        ].map { space, name, node, place in
            """
            {apiVersion: v1, kind: Pod, metadata: {name: \(name), namespace: \(space),
             labels: {app: \(name.prefix(2))}}, spec: {nodeName: n\(node)},
             status: {podIP: 10.0.\(node).1\(place)}}
            """
        }.joined(separator: "\n---\n") + """

            ---
            {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
             metadata: {name: lock, namespace: shop}, spec: {podSelector: {matchLabels: {app: db}},
             ingress: [{from: [{podSelector: {}}]}]}}
            """

    /// A log with the town, and a sweep that was asked for.
    struct Field {
        let stage: Stage
        let finder: PathFinder
        let id: SweepID
        let request: SweepRequest

        init(
            _ coverage: SweepPairs.Coverage = .pairs, openMax: Int? = nil, name: String? = nil
        ) throws {
            stage = try Stage()
            let resources = try ManifestReader.read(text: town, file: "town.yaml")
            let cluster = try Cluster(resources)
            finder = PathFinder(cluster: cluster)
            var request = SweepRequest(
                name: name,
                pairs: SweepPairs(
                    ports: [
                        .init(protocol: "TCP", number: 80), .init(protocol: "UDP", number: 53),
                    ], coverage: coverage), openMax: openMax)
            let pairs = try SweepPlan.pairs(request.pairs, finder)
            request.total = pairs.memberCount
            request.cells = pairs.cellCount * 2
            request.clusterDigest = try stage.store.observe(resources, cluster)
            self.request = request
            id = try SweepBook(log: stage.log).record(request)
        }

        var book: SweepBook { SweepBook(log: stage.log) }

        func entry() throws -> SweepBook.Entry { try book.entry(named: id.description) }

        func matrix() throws -> ObservedMatrix {
            let history = try History(of: stage.log)
            try history.catchUp()
            return try ObservedMatrix(
                of: entry(), plan: SweepPlan(id: id, request: request, finder: finder),
                in: history)
        }

        /// The members that were asked for, by number.
        func members() throws -> [Int64] {
            var members: [Int64] = []
            try stage.log.scan(after: 0) { row in
                if let member = try stage.coding.member(of: row) { members.append(member.number) }
            }
            return members
        }
    }

    @Test(arguments: SweepPairs.Coverage.allCases)
    func whatTracesFindIsWhatTheModelSays(coverage: SweepPairs.Coverage) throws {
        let field = try Field(coverage)
        try field.stage.finish(field.stage.worker())
        let entry = try field.entry()
        #expect(entry.phase == .finished)
        #expect(entry.tally.ended == Int(field.request.total))
        let observed = try field.matrix()
        let computed = try field.finder.cluster.reachability(
            from: observed.sources, to: observed.destinations, on: observed.ports)
        var inferred = 0
        for port in observed.ports.indices {
            for from in observed.sources.indices {
                for to in observed.destinations.indices where !observed.isSamePod(from, to) {
                    #expect(
                        observed.cell(from, to, port: port)
                            == computed.verdict(from, to, port: port))
                    if observed.isInferred(from, to, port: port) { inferred += 1 }
                }
            }
        }
        #expect(Int64(inferred) == field.request.cells - field.request.total)
        #expect((coverage == .classes) == (inferred > 0))
    }

    @Test func theDecidingPolicyIsKnownOfEveryCell() throws {
        let field = try Field()
        try field.stage.finish(field.stage.worker())
        let matrix = try field.matrix()
        let (probe, db) = (
            try #require(matrix.sources.firstIndex(of: "ops/probe")),
            try #require(matrix.destinations.firstIndex(of: "shop/db"))
        )
        let web = try #require(matrix.sources.firstIndex(of: "shop/web-1"))
        let kept = try #require(matrix.reason(probe, db, port: 0))
        #expect(matrix.reasons[kept.egress] == "no policy decides")
        #expect(matrix.reasons[kept.ingress] == "default deny of NetworkPolicies")
        let let1 = try #require(matrix.reason(web, db, port: 0))
        #expect(matrix.reasons[let1.ingress] == "K8sNetworkPolicy:shop/lock (Forwarded)")
    }

    /// Workers that give up after some events, one after the other.
    @Test func whoGoesOnRepeatsAndLosesNoPair() throws {
        let field = try Field(openMax: 7)
        for turn in 0..<40 {
            if try field.entry().phase != .running { break }
            var seen = 0
            let worker = field.stage.worker("w\(turn)", inFlightMax: 5)
            try worker.run(
                after: try field.stage.log.lastPosition(), observe: { _ in seen += 1 },
                isDone: { $0.isIdle || seen > 30 })
        }
        try field.stage.finish(field.stage.worker("last"))
        let entry = try field.entry()
        #expect(entry.phase == .finished)
        #expect(entry.tally.ended == Int(field.request.total))
        #expect(try field.members() == (0..<field.request.total).map { $0 })
    }

    @Test func whatWasCancelledStopsAndKeepsWhatItFound() throws {
        let field = try Field(openMax: 10)
        var ended = 0
        try field.stage.worker(inFlightMax: 2).run(
            after: try field.stage.log.lastPosition(),
            observe: { if $0.type == LogEventType.traceSucceeded.rawValue { ended += 1 } },
            isDone: { _ in ended >= 12 })
        #expect(try field.book.cancel(field.id) == field.id)
        #expect(try field.book.cancel(field.id) == nil)
        try field.stage.finish(field.stage.worker("next"))
        let entry = try field.entry()
        #expect(entry.phase == .cancelled)
        #expect(entry.tally.succeeded >= 12)
        #expect(entry.tally.ended == Int(entry.expanded))
        #expect(entry.expanded < field.request.total)
    }

    @Test func aMemberIsFoundByItsNameWithoutAnIndex() throws {
        let field = try Field(openMax: 7)
        try field.stage.finish(field.stage.worker())
        for member in [0, 6, 7, field.request.total - 1] {
            let stream = try #require(try field.book.stream(ofMember: member, of: field.id))
            let first = try #require(try field.stage.log.read(stream: stream).first)
            guard case .trace(.requested(let request)) = try field.stage.coding.event(first) else {
                Issue.record("no request")
                return
            }
            #expect(request.naming == .member(sweep: field.id.rawValue, number: member))
        }
        #expect(try field.book.stream(ofMember: field.request.total, of: field.id) == nil)
    }

    @Test func aNameIsHeldByOneSweep() throws {
        let field = try Field(name: "nightly")
        #expect(try field.book.entry(named: "nightly").id == field.id)
        #expect(throws: Refusal.self) { try field.book.record(field.request) }
        #expect(throws: Refusal.self) { try field.book.entry(named: "weekly") }
    }

    @Test func aSweepOfAClusterNobodyKnowsIsGivenUp() throws {
        let field = try Field()
        var request = field.request
        request.clusterDigest = [1, 2, 3]
        let lost = try field.book.record(request)
        try field.stage.finish(field.stage.worker())
        let entry = try field.book.entry(named: lost.description)
        #expect(entry.phase == .cancelled)
        #expect(!entry.reason.isEmpty)
        #expect(try field.entry().phase == .finished)
    }

    @Test func theProgressOfEventsIsWhatTheSchedulerCounts() throws {
        let field = try Field()
        var progress = SweepProgress(id: field.id, coding: field.stage.coding)
        try field.stage.log.scan(after: 0) { try progress.take($0) }
        var counted = SweepTally()
        try field.stage.worker(faults: Faults(lossPercent: 0, doublingPercent: 30)).run(
            after: try field.stage.log.lastPosition(),
            observe: {
                if $0.type == LogEventType.sweepFinished.rawValue { counted = progress.tally }
                try progress.take($0)
            }, isDone: { $0.isIdle })
        #expect(progress.isFinished)
        #expect(progress.tally == counted)
        #expect(progress.running == 0)
        #expect(progress.expanded == field.request.total)
    }
}
