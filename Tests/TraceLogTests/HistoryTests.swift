import Foundation
import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow

/// Events as they were once written: their bytes stay readable for ever, and mean the same.
enum GoldenHistory {
    static let spec = TraceflowSpec(
        source: .init(namespace: "default", pod: "pod1"),
        destination: .init(namespace: "default", service: "web", ip: nil),
        packet: Packet(
            ipHeader: IPHeader(protocol: 6, ttl: 0, flags: 2),
            transportHeader: TransportHeader(tcp: TCPHeader(srcPort: 10002, dstPort: 80, flags: 0))),
        liveTraffic: true, droppedOnly: false, timeout: 30)

    static let request = TraceRequest(
        name: "golden", apiVersion: .v1alpha1, spec: spec, labels: ["team": "net"],
        annotations: ["tracectl.dev/priority": "7"], priority: 7, retries: 1,
        scope: .nodes(["a", "b"]), clusterDigest: [1, 2, 3],
        traffic: [TrafficReference(path: "x.pcap", digest: [9])])

    static let events: [LogEvent] = [
        .trace(.requested(request)),
        .trace(
            .tagAllocated(
                TagAllocation(
                    attempt: 1, tag: 11, scope: .allNodes, executor: "w",
                    deadline: Moment(microseconds: 31_000_000)))),
        .trace(
            .packetCaptured(
                ReportID(attempt: 1, node: "a", sequence: 1),
                CapturedPacket(
                    srcIP: "10.0.0.1", dstIP: "10.0.0.2", length: 60,
                    headers: Packet(
                        ipv6Header: IPv6Header(nextHeader: 58, hopLimit: 63),
                        transportHeader: TransportHeader(icmp: .init(id: 1, sequence: 2)))))),
        .trace(
            .nodeReported(
                ReportID(attempt: 1, node: "a", sequence: 1),
                NodeResult(
                    node: "a", timestamp: 1_700_000_000,
                    observations: [
                        Observation(.spoofGuard, .forwarded, srcPodIP: "10.0.0.1"),
                        Observation(
                            .lb, .forwarded, pod: "default/pod2", translatedSrcIP: "10.0.0.9",
                            translatedDstIP: "10.0.0.3"),
                        Observation(
                            .egress, .markedForSNAT, egress: "e", egressIP: "1.2.3.4",
                            egressNode: "b"),
                        Observation(
                            .forwarding, .forwarded, componentInfo: "Output",
                            tunnelDstIP: "192.168.0.2"),
                    ]))),
        .trace(.nodeFailed(ReportID(attempt: 1, node: "b", sequence: 2), error: "no \"port\"")),
        .trace(.failed(attempt: 1, reason: "Node: b, error: no \"port\"")),
        .trace(
            .retryRequested(
                Retry(
                    attempt: 2, notBefore: Moment(microseconds: 40_000_000), automaticNumber: 1,
                    facts: request.facts))),
        .trace(.cancelRequested),
        .trace(.timedOut(attempt: 2, verdict: .lost)),
        .trace(.succeeded(attempt: 3, verdict: .rejected)),
        .trace(.deleted),
        .clusterObserved(
            ClusterObserved(
                digest: [1],
                appeared: [
                    ResourceReference(
                        apiVersion: "v1", kind: "Pod", namespace: "d", name: "p", digest: [2])
                ], changed: [],
                vanished: [
                    ResourceReference(
                        apiVersion: "v1", kind: "Node", namespace: "", name: "n", digest: [3])
                ])),
        .logCreated(id: "abc", clusterName: "prod"),
        .deciderTookOver(epoch: 3, holder: "w"),
        .tagProfileChanged(.antrea), .tagProfileChanged(.perNode),
        .tagProfileChanged(.external(reserve: 4, foreign: 1)),
    ]

    /// The same, and what was added since.
    static let newest: [LogEvent] =
        events + [
            .segmentSealed(segment: 3), .checkpoint(snapshot),
            .trace(
                .requested(
                    {
                        var member = request
                        member.naming = .member(sweep: 17, number: 123)
                        return member
                    }())),
        ]

    /// And with sweeps and schedules.
    static let withSweeps: [LogEvent] =
        newest + [
            .sweep(.requested(sweep)), .sweep(.expanded(first: 40, count: 1000)),
            .sweep(.finished(tally)), .sweep(.cancelled(reason: "its cluster is gone")),
            .schedule(.changed(probe)), .schedule(.changed(nightly)), .schedule(.paused),
            .schedule(.resumed), .schedule(.deleted), .schedule(.runRequested),
            .schedule(
                .fired(
                    SlotFiring(
                        slot: Moment(microseconds: 8_000_000), expected: .dropped, isByHand: true))
            ),
            .schedule(
                .missed(
                    MissedSlots(
                        first: Moment(microseconds: 1), last: Moment(microseconds: 2), count: 3,
                        reason: .unable))), .schedule(.probeBroken(change)),
            .schedule(.probeHealthy(change)), .schedule(.notified(number: 2)),
            .trace(
                .requested(
                    {
                        var run = request
                        run.naming = .slot(
                            schedule: ScheduleID(5), name: "probe",
                            at: Moment(microseconds: 8_000_000))
                        return run
                    }())), .checkpoint(snapshotWithSweeps),
        ]

    static let probe = ScheduleSpec(
        name: "probe", labels: ["a": "b"], timing: .every(seconds: 300),
        work: .trace(
            TraceTemplate(
                apiVersion: .v1beta1, spec: spec, labels: ["c": "d"], priority: 7, retries: 1)),
        startingDeadlineSeconds: 60, concurrency: .forbid, missed: .all(max: 4),
        jitterSeconds: 9, expectation: .verdict(.rejected), failureThreshold: 2)

    static var nightly: ScheduleSpec {
        var spec = probe
        if let cron = try? CronExpression("0 3 * * 1-5") {
            spec.timing = .cron(cron, zone: "Europe/Berlin")
        }
        (spec.work, spec.missed, spec.concurrency) = (.sweep(sweep), .none, .replace)
        (spec.expectation, spec.startingDeadlineSeconds) = (.model, nil)
        return spec
    }

    static let change = ProbeChange(
        slot: Moment(microseconds: 6), verdict: .lost, expected: .delivered, mismatches: 3)

    static let sweep = SweepRequest(
        name: "nightly", labels: ["team": "net"],
        pairs: SweepPairs(
            from: "app=web", to: "metadata.namespace in (a, b)",
            ports: [.init(protocol: "TCP", number: 80), .init(protocol: "ICMP", number: 0)],
            prefersV6: true, coverage: .classes),
        priority: 2, retries: 1, timeoutSeconds: 30, openMax: 50, intervalMicroseconds: 5000,
        clusterDigest: [4, 5], total: 2000, cells: 9000)

    static var tally: SweepTally {
        var tally = SweepTally()
        (tally.delivered, tally.dropped, tally.rejected, tally.forwardedOut) = (1, 2, 3, 4)
        (tally.lost, tally.unknown, tally.failed) = (5, 6, 7)
        return tally
    }

    static var snapshotWithSweeps: SchedulerSnapshot {
        var snapshot = snapshot
        snapshot.lanes[0].facts.sweep = SweepID(7)
        snapshot.sweeps = [
            .init(
                id: SweepID(7),
                life: SweepLife(
                    request: sweep, expanded: 68, open: 40, tally: tally, isCancelled: true,
                    nextAt: Moment(microseconds: 12)))
        ]
        snapshot.schedules = [
            .init(
                id: ScheduleID(5),
                life: ScheduleLife(
                    spec: probe, decidedThrough: Moment(microseconds: 44), isPaused: true,
                    runsRequested: 2,
                    runs: [
                        .init(
                            subject: .trace(TraceID(9)), slot: Moment(microseconds: 3),
                            expected: .dropped),
                        .init(subject: .sweep(SweepID(7)), slot: Moment(microseconds: 4)),
                    ], mismatches: 2, isBroken: true, change: change,
                    changesSaid: 3, untold: [change], lastSlot: Moment(microseconds: 43)))
        ]
        return snapshot
    }

    static let snapshot = SchedulerSnapshot(
        profile: .antrea,
        lanes: [
            .init(
                facts: request.facts,
                ranges: [WaitingRange(position: 7, stream: 3, stride: 2, count: 40)])
        ],
        lives: [
            .init(
                trace: TraceID(9), position: 0,
                life: TraceLife(
                    facts: request.facts, attempt: 2,
                    allocation: TagAllocation(
                        attempt: 2, tag: 15, scope: .nodes(["a"]), executor: "w",
                        deadline: Moment(microseconds: 5)), retriesUsed: 1,
                    outcome: .complete(.delivered),
                    progress: Completion.Progress(
                        hasReport: true, hasSender: true, lastVerdict: .delivered),
                    seenReports: [ReportID(attempt: 2, node: "a", sequence: 1)])),
            .init(
                trace: TraceID(10), position: 30,
                life: TraceLife(
                    facts: request.facts, attempt: 3, notBefore: Moment(microseconds: 99),
                    isCancelRequested: true, isDeleted: true,
                    outcome: .nodeFailed(reason: "Node: a, error: x"))),
        ], shape: .withoutFindings)

    static func file(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/\(name)")
    }

    /// `type schema payload-in-hex`, a line an event; `symbol bytes-in-hex`, a line a symbol.
    static func lines(_ name: String) throws -> [String] {
        try String(contentsOf: file(name), encoding: .utf8).split(separator: "\n")
            .map(String.init)
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func bytes(_ hex: Substring) throws -> [UInt8] {
        let hex = Array(hex.utf8)
        return try stride(from: 0, to: hex.count, by: 2).map { index in
            try #require(UInt8(String(decoding: hex[index..<index + 2], as: UTF8.self), radix: 16))
        }
    }

    static func recorded(_ line: String, _ position: Int) throws -> RecordedEvent {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        return RecordedEvent(
            position: Int64(position), stream: 2, version: Int64(position),
            type: try #require(Int32(parts[0])), schema: try #require(Int32(parts[1])),
            recordedAt: Int64(position) * 1_000_000, payload: try bytes(parts[2]))
    }
}

/// A log of its own that vanishes with the value.
final class ShortLog {
    let folder: String
    let log: JobLog
    let coding: TraceCoding

    init() throws {
        folder = NSTemporaryDirectory() + "tracectl-history-\(UUID().uuidString)"
        log = try JobLog.open(
            folder, access: .create,
            options: JobLog.Options(
                durability: .off, now: { 1_000_000 }, eventTypes: LogEventType.registry))
        coding = TraceCoding(log: log)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Gives the symbols their numbers: 1 and so on.
    func know(_ symbols: [[UInt8]]) throws {
        try log.append(
            AppendRequest(
                newStreams: [NewStream(family: "trace")],
                drafts: [
                    Draft(
                        stream: .new(0), type: LogEventType.cancelRequested.rawValue, schema: 1,
                        payload: [], symbols: symbols.map { log.symbol($0) })
                ]))
    }

    /// The lines of a golden file as events of this log.
    func events(_ name: String) throws -> [RecordedEvent] {
        let lines = try GoldenHistory.lines(name)
        try know(
            lines.filter { $0.hasPrefix("symbol ") }.map {
                try GoldenHistory.bytes($0.dropFirst("symbol ".count))
            })
        return try lines.filter { !$0.hasPrefix("symbol ") }.enumerated().map {
            try GoldenHistory.recorded($1, $0 + 1)
        }
    }
}

struct HistoryTests {
    /// Every shape that was ever written; the newest is recorded when it is not there.
    static let files = [
        "history-v1.txt", "history-v2.txt", "history-v3.txt", "history-v4.txt", "history-v5.txt",
        "history-v6.txt", "history-v7.txt",
    ]
    let short: ShortLog

    init() throws { short = try ShortLog() }

    @Test func theNewestShapesAreAmongTheGoldenOnes() throws {
        let file = GoldenHistory.file("history-v7.txt")
        guard !FileManager.default.fileExists(atPath: file.path) else { return }
        let request = AppendRequest(
            newStreams: [NewStream(family: "trace")],
            drafts: try GoldenHistory.withARealCluster.enumerated().map {
                try short.coding.draft(
                    $1, stream: .new(0), recordedAt: Moment(microseconds: Int64($0 + 1) * 1_000_000)
                )
            })
        try short.log.append(request)
        var lines = try short.log.read(after: 0, limit: 1000).map {
            "\($0.type) \($0.schema) \(GoldenHistory.hex($0.payload))"
        }
        var number: Int64 = 1
        while let bytes = try short.log.symbol(number: number) {
            lines.append("symbol \(GoldenHistory.hex(bytes))")
            number += 1
        }
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        Issue.record("the golden history was recorded; look at it, and run again")
    }

    @Test(arguments: files) func whatWasOnceWrittenIsReadAsItWasMeant(file: String) throws {
        let events = try short.events(file)
        let meant =
            switch file {
            case "history-v1.txt": GoldenHistory.events
            case "history-v2.txt": GoldenHistory.newest
            case "history-v3.txt": GoldenHistory.withSweeps
            case "history-v4.txt": GoldenHistory.withFindings
            case "history-v5.txt": GoldenHistory.withCaptures
            case "history-v6.txt": GoldenHistory.withPacketCaptures
            case _: GoldenHistory.withARealCluster
            }
        #expect(events.count == meant.count)
        for (recorded, event) in zip(events, meant) {
            #expect(try short.coding.event(recorded) == event)
        }
    }

    /// A number that no event can say, as a field of a message: minus one.
    @Test(
        arguments: [
            (LogEventType.sweepExpanded, [0x10]), (.sweepExpanded, [0x10, 0x05, 0x08]),
            (.sweepRequested, [0x38, 0x01, 0x70]), (.scheduleChanged, [0x48, 0x01, 0x18]),
            (.slotFired, [0x08]), (.slotMissed, [0x20, 0x01, 0x18]),
        ] as [(LogEventType, [UInt8])])
    func aNumberOutOfBoundsIsAnErrorAndNoCrash(type: LogEventType, field: [UInt8]) {
        // A count, where there is one, is before the last field.
        let minusOne = [UInt8](repeating: 0xff, count: 9) + [0x01]
        let recorded = RecordedEvent(
            position: 1, stream: 2, version: 1, type: type.rawValue, schema: 1, recordedAt: 1,
            payload: field + minusOne)
        #expect {
            try short.coding.event(recorded)
        } throws: {
            "\($0)".contains("of -1")
        }
    }

    @Test func whatIsWrittenTodayIsTheNewestShape() throws {
        let lines = try GoldenHistory.lines("history-v7.txt")
        for (place, event) in GoldenHistory.withARealCluster.enumerated() {
            let draft = try short.coding.draft(
                event, stream: .new(0),
                recordedAt: Moment(microseconds: Int64(place + 1) * 1_000_000))
            // The numbers of its symbols are given when it is recorded.
            let golden = lines[place]
            let own = "\(draft.type) \(draft.schema) \(GoldenHistory.hex(draft.payload))"
            #expect(golden.hasPrefix(own), "\(golden)")
            #expect(draft.symbols.isEmpty == (golden == own))
        }
    }

    @Test(arguments: files) func anOldHistoryFoldsToTheStateItAlwaysDid(file: String) throws {
        var trace: Trace?
        for recorded in try short.events(file).prefix(7) {
            guard case .trace(let event) = try short.coding.event(recorded) else { continue }
            let moment = Moment(microseconds: recorded.recordedAt)
            if trace == nil {
                trace = Trace(event, at: moment)
            } else {
                trace?.evolve(event, at: moment)
            }
        }
        #expect(trace?.phase == .pending)
        #expect(trace?.attempt == 2)
        #expect(trace?.retriesUsed == 1)
        #expect(trace?.notBefore == Moment(microseconds: 40_000_000))
        #expect(trace?.request == GoldenHistory.request)
    }

    @Test(arguments: files) func theFastFoldIsTheFoldOfTheDecodedEvents(file: String) throws {
        var fast = SchedulerState()
        var slow = SchedulerState()
        for recorded in try short.events(file) {
            try recorded.payload.withUnsafeBytes { payload in
                let row = EventRow(
                    position: recorded.position, stream: recorded.stream,
                    version: recorded.version, type: recorded.type, schema: recorded.schema,
                    recordedAt: recorded.recordedAt, payload: payload)
                try short.coding.fold(row, into: &fast)
            }
            switch try short.coding.event(recorded) {
            case .trace(let event):
                slow.evolve(
                    TraceID(recorded.stream), event, position: recorded.position,
                    at: Moment(microseconds: recorded.recordedAt))
            case .sweep(let event):
                slow.evolve(
                    SweepID(recorded.stream), event,
                    at: Moment(microseconds: recorded.recordedAt))
            case .schedule(let event):
                slow.evolve(
                    ScheduleID(recorded.stream), event,
                    at: Moment(microseconds: recorded.recordedAt))
            case .tagProfileChanged(let profile): slow.evolve(profile)
            case .clusterObserved(let observed):
                if !observed.isWhole {
                    slow.evolve(clusterChangedAt: Moment(microseconds: recorded.recordedAt))
                }
            case .checkpoint(let snapshot):
                if snapshot.shape < .newest { slow = SchedulerState(snapshot: snapshot) }
            case .logCreated, .deciderTookOver, .segmentSealed, .segmentArchived, .segmentRestored,
                .segmentDropped, .captures:
                break
            }
            #expect(fast == slow, "after event \(recorded.position)")
        }
    }

    @Test(arguments: files) func everyEventHasALineOfJSON(file: String) throws {
        for recorded in try short.events(file) {
            let json = try short.coding.json(recorded)
            #expect(throws: Never.self) {
                try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
            }
            #expect(!json.contains("\n"))
        }
    }

    @Test(arguments: [(Int32(99), Int32(1)), (1, 3), (2, 3), (6, 2), (1, 0), (-1, 1)])
    func eventsOfANewerVersionAreAnErrorAndNotSkipped(type: Int32, schema: Int32) {
        let event = RecordedEvent(
            position: 5, stream: 2, version: 1, type: type, schema: schema, recordedAt: 0,
            payload: [])
        #expect { try short.coding.event(event) } throws: {
            ($0 as? TraceLogError)?.code == .unknownEvent
        }
        let row = EventRow(
            position: 5, stream: 2, version: 1, type: type, schema: schema, recordedAt: 0,
            payload: UnsafeRawBufferPointer(start: nil, count: 0))
        var state = SchedulerState()
        #expect { try short.coding.fold(row, into: &state) } throws: {
            ($0 as? TraceLogError)?.code == .unknownEvent
        }
    }

    @Test(arguments: files) func bytesThatAreNoEventAreAnErrorAndNoCrash(file: String) throws {
        for good in try short.events(file) {
            for cut in 0..<good.payload.count {
                for bad in [
                    Array(good.payload.prefix(cut)),
                    good.payload.enumerated().map { $0 == cut ? $1 ^ 0xff : $1 },
                ] {
                    var event = good
                    event.payload = bad
                    _ = try? short.coding.event(event)
                    var state = SchedulerState()
                    bad.withUnsafeBytes { payload in
                        let row = EventRow(
                            position: 1, stream: 2, version: 1, type: good.type,
                            schema: good.schema, recordedAt: 0, payload: payload)
                        _ = try? short.coding.fold(row, into: &state)
                    }
                }
            }
        }
        let garbage = RecordedEvent(
            position: 1, stream: 2, version: 1, type: 1, schema: 1, recordedAt: 0,
            payload: [0xff, 0xff, 0xff])
        #expect { try short.coding.event(garbage) } throws: {
            ($0 as? TraceLogError)?.code == .malformedEvent
        }
    }

    @Test func everyTypeHasItsOwnNumberAndName() {
        let types = LogEventType.allCases
        #expect(Set(types.map(\.name)).count == types.count)
        #expect(LogEventType.registry.count == types.count)
    }
}
