import Kubernetes
import Scheduler
import Traceflow

/// The Traceflow that an attempt is on a real cluster: its name, its labels, its spec.
///
/// The attempt is in the name, so that no attempt is ever made twice; the labels tell a later
/// worker whose it was.
struct AntreaObject: Hashable, Sendable {
    /// The first digits of the log's id.
    var log: String
    var attempt: TraceAttempt
    /// From 1; more than one where Antrea did not begin the ones before.
    var incarnation: Int

    static let logLabel = "tracectl.dev/log"
    static let traceLabel = "tracectl.dev/trace"
    static let attemptLabel = "tracectl.dev/attempt"
    static let nameAnnotation = "tracectl.dev/name"

    static let group = "crd.antrea.io"
    /// Those we speak, the better first.
    static let versions = ["v1beta1", "v1alpha1"]
    static let plural = "traceflows"

    /// So much of a log's id tells it from others in one cluster.
    static func shortened(logID: String) -> String {
        String(logID.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(12))
    }

    var name: String {
        let name = "tracectl-\(log)-\(attempt.trace.rawValue)-\(attempt.attempt)"
        return incarnation == 1 ? name : "\(name)-\(incarnation)"
    }

    /// Of the attempt that the labels name; nil where they name none of this log.
    static func owner(_ metadata: JSONValue, log: String) -> TraceAttempt? {
        let labels = metadata["labels"]
        guard labels[logLabel].text == log,
            let trace = labels[traceLabel].text.flatMap({ Int64($0) }),
            let attempt = labels[attemptLabel].text.flatMap({ Int($0) })
        else { return nil }
        return TraceAttempt(trace: TraceID(trace), attempt: attempt)
    }

    /// The object to create. A spec that this version lacks something of is sent as it is: what
    /// becomes of it is for the server to say.
    func json(of request: TraceRequest, groupVersion: String) -> JSONValue {
        .of([
            "apiVersion": .string(groupVersion), "kind": .string(TraceflowKind.name),
            "metadata": .of([
                "name": .string(name),
                "labels": .texts([
                    "app.kubernetes.io/managed-by": "tracectl", Self.logLabel: log,
                    Self.traceLabel: String(attempt.trace.rawValue),
                    Self.attemptLabel: String(attempt.attempt),
                ]), "annotations": .texts([Self.nameAnnotation: request.name]),
            ]), "spec": request.spec.json,
        ])
    }
}

/// The kind's name.
enum TraceflowKind { static let name = "Traceflow" }

extension TraceflowSpec {
    /// As Antrea takes it: without what is ours alone.
    package var json: JSONValue {
        .of([
            "source": source.map {
                .of([
                    "namespace": .text($0.namespace), "pod": .text($0.pod), "ip": .text($0.ip),
                ])
            },
            "destination": destination.map {
                .of([
                    "namespace": .text($0.namespace), "pod": .text($0.pod),
                    "service": .text($0.service), "ip": .text($0.ip),
                ])
            }, "packet": packet.map(\.json), "liveTraffic": liveTraffic.map { .bool($0) },
            "droppedOnly": droppedOnly.map { .bool($0) }, "timeout": .number(timeout),
        ])
    }
}

extension Packet {
    package var json: JSONValue {
        .of([
            "ipHeader": ipHeader.map {
                .of([
                    "srcIP": .text($0.srcIP), "protocol": .number($0.protocol),
                    "ttl": .number($0.ttl), "flags": .number($0.flags),
                ])
            },
            "ipv6Header": ipv6Header.map {
                .of([
                    "srcIP": .text($0.srcIP), "nextHeader": .number($0.nextHeader),
                    "hopLimit": .number($0.hopLimit),
                ])
            }, "transportHeader": transportHeader.map(\.json),
        ])
    }
}

extension TransportHeader {
    var json: JSONValue {
        .of([
            "tcp": tcp.map {
                .of([
                    "srcPort": .number($0.srcPort), "dstPort": .number($0.dstPort),
                    "flags": .number($0.flags),
                ])
            },
            "udp": udp.map {
                .of(["srcPort": .number($0.srcPort), "dstPort": .number($0.dstPort)])
            },
            "icmp": icmp.map {
                .of(["id": .number($0.id), "sequence": .number($0.sequence)])
            },
        ])
    }
}

extension JSONValue {
    static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    static func number(_ number: Int?) -> JSONValue { number.map { .int(Int64($0)) } ?? .null }
}
