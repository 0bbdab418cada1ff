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

    static var file: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/history-v1.txt")
    }

    /// `type schema payload-in-hex`, a line an event.
    static func lines() throws -> [String] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    static func recorded(_ line: String, _ position: Int) throws -> RecordedEvent {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        let hex = Array(parts[2].utf8)
        let payload = try stride(from: 0, to: hex.count, by: 2).map { index in
            try #require(UInt8(String(decoding: hex[index..<index + 2], as: UTF8.self), radix: 16))
        }
        return RecordedEvent(
            position: Int64(position), stream: 2, version: Int64(position),
            type: try #require(Int32(parts[0])), schema: try #require(Int32(parts[1])),
            recordedAt: Int64(position) * 1_000_000, payload: payload)
    }
}

struct HistoryTests {
    @Test func whatWasOnceWrittenIsReadAsItWasMeant() throws {
        guard FileManager.default.fileExists(atPath: GoldenHistory.file.path) else {
            let lines = try GoldenHistory.events.map { event in
                let draft = try EventCoding.draft(event, stream: .existing(2))
                let hex = draft.payload.map { byte in
                    (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
                return "\(draft.type) \(draft.schema) \(hex.joined())"
            }
            try lines.joined(separator: "\n").write(
                to: GoldenHistory.file, atomically: true, encoding: .utf8)
            Issue.record("the golden history was recorded; look at it, and run again")
            return
        }
        let lines = try GoldenHistory.lines()
        #expect(lines.count == GoldenHistory.events.count)
        for (index, line) in lines.enumerated() {
            let event = try EventCoding.event(GoldenHistory.recorded(line, index + 1))
            #expect(event == GoldenHistory.events[index])
        }
    }

    @Test func anOldHistoryFoldsToTheStateItAlwaysDid() throws {
        var trace: Trace?
        for (index, line) in try GoldenHistory.lines().prefix(7).enumerated() {
            let recorded = try GoldenHistory.recorded(line, index + 1)
            guard case .trace(let event) = try EventCoding.event(recorded) else { continue }
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

    @Test func everyEventHasALineOfJSON() throws {
        for (index, line) in try GoldenHistory.lines().enumerated() {
            let json = try EventCoding.json(GoldenHistory.recorded(line, index + 1))
            #expect(throws: Never.self) {
                try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
            }
            #expect(!json.contains("\n"))
        }
    }

    @Test(arguments: [(Int32(99), Int32(1)), (1, 2), (-1, 1)])
    func eventsOfANewerVersionAreAnErrorAndNotSkipped(type: Int32, schema: Int32) {
        let event = RecordedEvent(
            position: 5, stream: 2, version: 1, type: type, schema: schema, recordedAt: 0,
            payload: [])
        #expect { try EventCoding.event(event) } throws: {
            ($0 as? TraceLogError)?.code == .unknownEvent
        }
    }

    @Test func bytesThatAreNoEventAreAnErrorAndNoCrash() throws {
        for (index, line) in try GoldenHistory.lines().enumerated() {
            let good = try GoldenHistory.recorded(line, index + 1)
            for cut in 0..<good.payload.count {
                var bad = good
                bad.payload = Array(good.payload.prefix(cut))
                _ = try? EventCoding.event(bad)
                bad = good
                bad.payload[cut] ^= 0xff
                _ = try? EventCoding.event(bad)
            }
        }
        let garbage = RecordedEvent(
            position: 1, stream: 2, version: 1, type: 1, schema: 1, recordedAt: 0,
            payload: [0xff, 0xff, 0xff])
        #expect { try EventCoding.event(garbage) } throws: {
            ($0 as? TraceLogError)?.code == .malformedEvent
        }
    }

    @Test func everyTypeHasItsOwnNumberAndName() {
        let types = LogEventType.allCases
        #expect(Set(types.map(\.name)).count == types.count)
        #expect(LogEventType.registry.count == types.count)
    }
}
