import Kubernetes
import Scheduler
import Traceflow
import Worker

extension TraceflowSpec {
    /// As Antrea has it, with what is ours.
    package var output: OutputValue {
        guard case .map(var entries) = OutputValue(json) else { return .null }
        if let capture { entries.append(.init(key: "capture", value: capture.output)) }
        return .map(entries.sorted { $0.key < $1.key })
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

extension CapturedPacket {
    package var output: OutputValue {
        var value = headers.json
        value["srcIP"] = .string(srcIP)
        value["dstIP"] = .string(dstIP)
        value["length"] = .int(Int64(length))
        return OutputValue(value)
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
