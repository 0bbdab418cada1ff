import Foundation
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// A log of traces that were made up from a seed: several ends, packets, policies, verdicts,
/// sweeps, schedules, labels, retries, doubled and late reports.
final class WrittenLog {
    let folder = NSTemporaryDirectory() + "tracectl-history-\(UUID().uuidString)"
    let log: JobLog
    let coding: TraceCoding
    private var random: SplitMix
    private let clock = Ticking()
    /// The time of the log, moved by hand.
    final class Ticking: @unchecked Sendable {
        // Used by one thread alone.
        var now = Int64(1_790_000_000_000_000)
    }

    init(seed: UInt64, limits: SegmentLimits = SegmentLimits()) throws {
        random = SplitMix(seed)
        let clock = clock
        log = try JobLog.openTraces(
            folder, access: .create, durability: .off,
            clock: Clock(
                now: { Moment(microseconds: clock.now) },
                monotonicMicroseconds: { clock.now }), limits: limits)
        coding = TraceCoding(log: log)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    /// So many more traces, a few at once, as workers would record them.
    func write(_ count: Int) throws {
        for first in stride(from: 0, to: count, by: 5) {
            try writeGroup(min(5, count - first))
        }
    }

    private func writeGroup(_ count: Int) throws {
        clock.now += Int64(pick(2_000_000))
        var lines: [(stream: Int64, events: [TraceEvent])] = []
        for _ in 0..<count { lines.append((try begin(), story())) }
        // Their events interleave.
        while !lines.isEmpty {
            let place = pick(lines.count)
            clock.now += Int64(pick(500))
            try append(.trace(lines[place].events.removeFirst()), lines[place].stream)
            if lines[place].events.isEmpty { lines.remove(at: place) }
        }
    }

    /// Every attempt that ended, the latest first, from the events of its trace alone.
    func oracle() throws -> [Ended] {
        var ended: [Ended] = []
        for recorded in try log.read(after: 0, limit: .max) {
            try recorded.withRow { row in
                guard try coding.end(of: row) != nil else { return }
                let events = try log.read(stream: row.stream).filter {
                    $0.position <= row.position
                }
                guard let story = try coding.story(events), let request = story.request else {
                    return
                }
                var expected: Verdict?
                if request.naming.schedule != nil,
                    let fired = try log.read(after: events[0].position - 2, limit: 1).first,
                    case .schedule(.fired(let firing)) = try coding.event(fired)
                {
                    expected = firing.expected
                }
                ended.append(
                    Ended(
                        position: row.position, endedAt: row.recordedAt,
                        requestedAt: story.begunAt.microseconds, request: request,
                        trace: story.trace, expected: expected))
            }
        }
        return ended.reversed()
    }

    struct Ended {
        var position: Int64
        var endedAt: Int64
        var requestedAt: Int64
        var request: TraceRequest
        var trace: Trace
        var expected: Verdict?

        var source: String {
            "\(request.spec.source?.namespace ?? "")/\(request.spec.source?.pod ?? "")"
        }

        var destination: String {
            request.spec.destination?.ip
                ?? "\(request.spec.destination?.namespace ?? "")/"
                + (request.spec.destination?.pod ?? "")
        }

        var steps: [Observation] { trace.results.flatMap(\.observations) }
    }

    private func append(_ event: LogEvent, _ stream: Int64) throws {
        try log.append(
            AppendRequest(drafts: [try coding.draft(event, stream: .existing(stream))]))
    }

    private var schedules: [Int64] = []
    private var names = 0

    private func begin() throws -> Int64 {
        var request = TraceRequest(
            name: "", apiVersion: .v1beta1,
            spec: TraceflowSpec(
                source: .init(namespace: "ns\(pick(2))", pod: "pod\(pick(6))"),
                destination: pick(4) == 0
                    ? .init(ip: "192.0.2.\(pick(3))")
                    : .init(namespace: "ns\(pick(2))", pod: "pod\(pick(6))"),
                packet: Packet(
                    transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 80 + pick(2))))),
            priority: pick(3), clusterDigest: [UInt8(pick(3))])
        if pick(3) == 0 { request.labels = ["team": "t\(pick(3))", "tier": "x"] }
        switch pick(3) {
        case 0:
            names += 1
            request.naming = .given("trace-\(names)")
        case 1: request.naming = .member(sweep: Int64(1000 + pick(2)), number: Int64(pick(5000)))
        case _: return try fire(request)
        }
        return try log.append(
            AppendRequest(
                newStreams: [NewStream(family: StreamFamily.trace.rawValue)],
                drafts: [try coding.draft(.trace(.requested(request)), stream: .new(0))])
        ).streams[0]
    }

    /// A slot and its request come in one transaction.
    private func fire(_ asked: TraceRequest) throws -> Int64 {
        if schedules.isEmpty {
            for number in 0..<2 {
                let spec = ScheduleSpec(
                    name: "probe\(number)", timing: .every(seconds: 60),
                    work: .trace(TraceTemplate(spec: asked.spec)))
                schedules += try log.append(
                    AppendRequest(
                        newStreams: [NewStream(family: StreamFamily.schedule.rawValue)],
                        drafts: [try coding.draft(.schedule(.changed(spec)), stream: .new(0))])
                ).streams
            }
        }
        let number = pick(2)
        let slot = Moment(microseconds: clock.now / 1_000_000 * 1_000_000)
        let expected: Verdict? = [.delivered, .dropped, nil][pick(3)]
        var request = asked
        request.naming = .slot(
            schedule: ScheduleID(schedules[number]), name: "probe\(number)", at: slot)
        let firing = SlotFiring(slot: slot, expected: expected)
        return try log.append(
            AppendRequest(
                newStreams: [NewStream(family: StreamFamily.trace.rawValue)],
                drafts: [
                    try coding.draft(
                        .schedule(.fired(firing)), stream: .existing(schedules[number])),
                    try coding.draft(.trace(.requested(request)), stream: .new(0)),
                ])
        ).streams[0]
    }

    private func observations(_ node: Int, isEnd: Bool, _ verdict: Verdict) -> [Observation] {
        var steps = [
            isEnd
                ? Observation(.forwarding, .received)
                : Observation(.spoofGuard, .forwarded, srcPodIP: "10.0.0.\(pick(3))")
        ]
        if isEnd {
            let policy = pick(2) == 0 ? nil : "AntreaNetworkPolicy:ns0/policy\(pick(3))"
            let action: Action =
                switch verdict {
                case .dropped: .dropped
                case .rejected: .rejected
                case _: .delivered
                }
            steps.append(
                Observation(
                    policy == nil ? .forwarding : .networkPolicy, action,
                    componentInfo: "IngressRule", networkPolicy: policy,
                    networkPolicyRule: policy.map { _ in "rule\(pick(2))" }))
        }
        return steps
    }

    private func story() -> [TraceEvent] {
        var events: [TraceEvent] = []
        let attempts = pick(8) == 0 ? 2 : 1
        if attempts == 2 {
            events.append(.tagAllocated(allocation(1)))
            events.append(report(1, 1, observations(1, isEnd: false, .lost)))
            events.append(.timedOut(attempt: 1, verdict: .lost))
            events.append(
                .retryRequested(
                    Retry(
                        attempt: 2, notBefore: Moment(microseconds: 0), automaticNumber: 1,
                        facts: TraceRequest(
                            name: "", apiVersion: .v1beta1, spec: TraceflowSpec()
                        ).facts)))
        }
        let verdict: Verdict = [.delivered, .delivered, .dropped, .rejected][pick(4)]
        let first = observations(1, isEnd: false, verdict)
        let second = observations(2, isEnd: true, verdict)
        events.append(.tagAllocated(allocation(attempts)))
        events.append(report(attempts, 1, first))
        // Said twice, and once of an attempt that is over.
        if pick(4) == 0 { events.append(report(attempts, 1, first)) }
        if attempts > 1 { events.append(report(1, 3, second)) }
        events.append(report(attempts, 2, second))
        if pick(10) == 0 {
            events.append(.failed(attempt: attempts, reason: "Cancelled"))
        } else {
            events.append(.succeeded(attempt: attempts, verdict: verdict))
        }
        return events
    }

    private func allocation(_ attempt: Int) -> TagAllocation {
        TagAllocation(
            attempt: attempt, tag: 1, scope: .allNodes, executor: "w",
            deadline: Moment(microseconds: clock.now + 20_000_000))
    }

    private func report(_ attempt: Int, _ node: Int, _ steps: [Observation]) -> TraceEvent {
        .nodeReported(
            ReportID(attempt: attempt, node: "n\(node)", sequence: 1),
            NodeResult(node: "n\(node)", timestamp: clock.now / 1_000_000, observations: steps))
    }
}

/// Numbers that follow from a seed (Steele, Lea, Flood: SplitMix64).
struct SplitMix {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
