import Cluster
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Writes a log of a thousand Pods' past: sweeps over every pair, and 200 probes between them, while
/// policies are edited now and then.
struct LongPast {
    /// Of each so many traces one is a probe's.
    private static let probesEach = 4
    private static let probes = 200
    private static let tracesInFlight = 64
    private static let groups = 31
    private static let edits = 8
    private static let checkpointEvents: Int64 = 100_000

    private let log: JobLog
    private let coding: TraceCoding
    private let worlds: [(plan: SweepPlan, finder: PathFinder)]
    private var number: Int64 = 0
    private var sweep: Int64 = 0
    private var member: Int64 = 0
    private var fired: Int64 = 0
    private var checkpointAt = LongPast.checkpointEvents
    private var schedules: [Int64] = []
    private var probeRequests: [[TraceRequest]] = []
    private var probeReports: [[[NodeReport]]] = []

    init(log: JobLog, pods: Int) throws {
        self.log = log
        coding = TraceCoding(log: log)
        let store = ClusterStore(log: log)
        var worlds: [(plan: SweepPlan, finder: PathFinder)] = []
        for policies in [300, 200] {
            let town = Town(pods: pods, policies: policies, nodes: 50)
            let resources = try ManifestReader.read(text: town.manifests, file: "past.yaml")
            let cluster = try Cluster(resources)
            let finder = PathFinder(cluster: cluster)
            var request = SweepRequest(
                pairs: SweepPairs(ports: [.init(protocol: "TCP", number: 80)]))
            let pairs = try SweepPlan.pairs(request.pairs, finder)
            (request.total, request.cells) = (pairs.memberCount, pairs.cellCount)
            request.clusterDigest = try store.observe(resources, cluster)
            worlds.append(
                (
                    try SweepPlan(id: SweepID(1), request: request, finder: finder), finder
                ))
        }
        self.worlds = worlds
        probeRequests = worlds.map { world in
            let step = max(1, world.plan.request.total / Int64(Self.probes))
            return (0..<Self.probes).flatMap { number -> [TraceRequest] in
                let first = Int64(number) * step
                return world.plan.members(first..<first + 1)
            }
        }
        for (world, requests) in zip(worlds, probeRequests) {
            probeReports.append(requests.map { Self.reports($0, world.finder) })
        }
        for number in 0..<Self.probes { try addSchedule(number) }
    }

    private mutating func addSchedule(_ number: Int) throws {
        let spec = ScheduleSpec(
            name: "probe-\(number)", timing: .every(seconds: 300),
            work: .trace(TraceTemplate(spec: probeRequests[0][number].spec)))
        schedules += try log.append(
            AppendRequest(
                newStreams: [NewStream(family: StreamFamily.schedule.rawValue, name: spec.name)],
                drafts: [try coding.draft(.schedule(.changed(spec)), stream: .new(0))])
        ).streams
    }

    private static func reports(_ request: TraceRequest, _ finder: PathFinder) -> [NodeReport] {
        finder.reports(for: request.spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
    }

    /// Adds so many finished traces or a few more; the policies are edited `edits` times.
    mutating func grow(by count: Int64) throws {
        let end = number + count
        while number < end {
            let world = Int(number * Int64(Self.edits) / max(1, count) % 2)
            try add(world)
            if try log.lastPosition() >= checkpointAt { try checkpoint() }
        }
    }

    /// Nothing waits or runs between two groups.
    private mutating func checkpoint() throws {
        let draft = try coding.draft(
            .checkpoint(SchedulerState().snapshot), stream: .existing(JobLog.ownStream))
        try log.append(AppendRequest(drafts: [draft]))
        checkpointAt = try log.lastPosition() + Self.checkpointEvents
    }

    private mutating func next(_ world: Int) -> (TraceRequest, [NodeReport], SlotFiring?) {
        defer { number += 1 }
        guard number % Int64(Self.probesEach) == 0 else {
            if member >= worlds[world].plan.request.total { (sweep, member) = (sweep + 1, 0) }
            var request = worlds[world].plan.members(member..<member + 1)[0]
            request.naming = .member(sweep: 1_000_000 + sweep, number: member)
            member += 1
            return (request, Self.reports(request, worlds[world].finder), nil)
        }
        let probe = Int(fired % Int64(Self.probes))
        let slot = Moment(microseconds: log.now())
        fired += 1
        var request = probeRequests[world][probe]
        request.naming = .slot(
            schedule: ScheduleID(schedules[probe]), name: "probe-\(probe)", at: slot)
        return (request, probeReports[world][probe], SlotFiring(slot: slot, expected: .delivered))
    }

    private mutating func add(_ world: Int) throws {
        var append = AppendRequest()
        for _ in 0..<Self.groups {
            var traces: [(place: Int, request: TraceRequest, reports: [NodeReport])] = []
            for _ in 0..<Self.tracesInFlight {
                let (request, reports, firing) = next(world)
                let place = append.newStreams.count
                append.newStreams.append(Subject.stream)
                if let firing, let schedule = request.naming.schedule {
                    append.drafts.append(
                        try coding.draft(
                            .schedule(.fired(firing)), stream: .existing(schedule.rawValue)))
                }
                try add(.requested(request), place, &append)
                traces.append((place, request, reports))
            }
            for (place, request, _) in traces {
                try add(
                    .tagAllocated(
                        TagAllocation(
                            attempt: 1, tag: place % 14 + 1, scope: request.scope,
                            executor: "bench-1-abcdefg",
                            deadline: Moment(microseconds: log.now() + 20_000_000))),
                    place, &append)
            }
            for (place, _, reports) in traces {
                for report in reports { try add(try reported(report), place, &append) }
            }
            for (place, _, reports) in traces {
                let results = reports.compactMap { report -> NodeResult? in
                    guard case .observed(let observations, _) = report.content else { return nil }
                    return NodeResult(node: report.node, timestamp: 0, observations: observations)
                }
                let verdict = Completion.verdict(of: results)
                try add(.succeeded(attempt: 1, verdict: verdict), place, &append)
            }
        }
        try log.append(append)
    }

    private func add(_ event: TraceEvent, _ place: Int, _ append: inout AppendRequest) throws {
        append.drafts.append(try coding.draft(.trace(event), stream: .new(place)))
    }

    private func reported(_ report: NodeReport) throws -> TraceEvent {
        guard case .observed(let observations, _) = report.content else {
            throw BenchError("the model reports a failure")
        }
        return .nodeReported(
            ReportID(attempt: 1, node: report.node, sequence: 1),
            NodeResult(
                node: report.node, timestamp: log.now() / 1_000_000, observations: observations))
    }
}
