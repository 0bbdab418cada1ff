import Scheduler
import Traceflow

extension TraceflowSpec {
    package var output: OutputValue {
        .object([
            "source": source.map {
                .object([
                    "namespace": .text($0.namespace), "pod": .text($0.pod), "ip": .text($0.ip),
                ])
            },
            "destination": destination.map {
                .object([
                    "namespace": .text($0.namespace), "pod": .text($0.pod),
                    "service": .text($0.service), "ip": .text($0.ip),
                ])
            },
            "packet": packet.map { .object($0.fields) },
            "liveTraffic": .flag(liveTraffic), "droppedOnly": .flag(droppedOnly),
            "timeout": .number(timeout),
            "capture": capture?.output,
        ])
    }
}

extension CaptureRequest {
    package var output: OutputValue {
        .object([
            "firstN": .int(firstN), "snaplen": .number(snaplen), "point": .text(point?.rawValue),
            "direction": .text(direction?.rawValue),
        ])
    }
}

extension Packet {
    fileprivate var fields: [String: OutputValue?] {
        [
            "ipHeader": ipHeader.map {
                .object([
                    "srcIP": .text($0.srcIP), "protocol": .number($0.protocol),
                    "ttl": .number($0.ttl), "flags": .number($0.flags),
                ])
            },
            "ipv6Header": ipv6Header.map {
                .object([
                    "srcIP": .text($0.srcIP), "nextHeader": .number($0.nextHeader),
                    "hopLimit": .number($0.hopLimit),
                ])
            },
            "transportHeader": transportHeader?.output,
        ]
    }
}

extension TransportHeader {
    fileprivate var output: OutputValue {
        .object([
            "tcp": tcp.map {
                .object([
                    "srcPort": .number($0.srcPort), "dstPort": .number($0.dstPort),
                    "flags": .number($0.flags),
                ])
            },
            "udp": udp.map {
                .object(["srcPort": .number($0.srcPort), "dstPort": .number($0.dstPort)])
            },
            "icmp": icmp.map {
                .object(["id": .number($0.id), "sequence": .number($0.sequence)])
            },
        ])
    }
}

extension CapturedPacket {
    package var output: OutputValue {
        var fields = headers.fields
        fields["srcIP"] = .string(srcIP)
        fields["dstIP"] = .string(dstIP)
        fields["length"] = .int(length)
        return .object(fields)
    }
}

extension NodeResult {
    package var output: OutputValue {
        .object([
            "node": .string(node), "timestamp": .int(Int(timestamp)),
            "observations": .list(observations.map(\.output)),
        ])
    }
}

extension Observation {
    fileprivate var output: OutputValue {
        .object([
            "component": .string(component.rawValue), "action": .string(action.rawValue),
            "componentInfo": .text(componentInfo), "pod": .text(pod),
            "networkPolicy": .text(networkPolicy), "networkPolicyRule": .text(networkPolicyRule),
            "egress": .text(egress), "egressIP": .text(egressIP), "egressNode": .text(egressNode),
            "srcPodIP": .text(srcPodIP), "translatedSrcIP": .text(translatedSrcIP),
            "translatedDstIP": .text(translatedDstIP), "tunnelDstIP": .text(tunnelDstIP),
        ])
    }
}

extension CaptureArchived {
    /// What `status.captures` says of one point.
    package func output(isPruned: Bool) -> OutputValue {
        .object([
            "node": .string(report.node), "point": .string(point.rawValue),
            "packets": .int(place.packets), "file": isPruned ? nil : .string(place.fileName),
            "pruned": isPruned ? .bool(true) : nil,
        ])
    }
}
