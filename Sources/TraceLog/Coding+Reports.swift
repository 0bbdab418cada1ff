import Scheduler
import Traceflow

extension PBNodeReported {
    init(_ id: ReportID, _ result: NodeResult) {
        self.init()
        attempt = Int32(clamping: id.attempt)
        node = id.node
        sequence = Int32(clamping: id.sequence)
        timestampSeconds = result.timestamp
        observations = result.observations.map(PBObservation.init)
    }

    var reportID: ReportID {
        ReportID(attempt: Int(attempt), node: node, sequence: Int(sequence))
    }
}

extension WireWriter {
    /// What reports of many traces share: a NodeReported of node and observations.
    ///
    /// The bytes that the generated code would give, without its messages made first: there are two
    /// reports a trace.
    static func shape(of result: NodeResult, by node: String) -> [UInt8] {
        var shape = WireWriter(capacity: 480)
        shape.put(2, node)
        var part = WireWriter(capacity: 224)
        // By their addresses, or each of them would be copied with all its texts.
        result.observations.withUnsafeBufferPointer { observations in
            for place in observations.indices {
                part.clear()
                part.put(observations[place])
                shape.put(5, message: part)
            }
        }
        return shape.bytes
    }

    private mutating func put(_ observation: borrowing Observation) {
        put(1, Int64(PBComponent(observation.component).rawValue))
        put(2, Int64(PBAction(observation.action).rawValue))
        put(3, observation.componentInfo)
        put(4, observation.pod)
        put(5, observation.networkPolicy)
        put(6, observation.networkPolicyRule)
        put(7, observation.egress)
        put(8, observation.egressIP)
        put(9, observation.egressNode)
        put(10, observation.srcPodIP)
        put(11, observation.translatedSrcIP)
        put(12, observation.translatedDstIP)
        put(13, observation.tunnelDstIP)
    }
}

extension NodeResult {
    init(_ message: PBNodeReported) throws {
        self.init(
            node: message.node, timestamp: message.timestampSeconds,
            observations: try message.observations.map(Observation.init))
    }
}

extension PBNodeFailed {
    init(_ id: ReportID, _ error: String) {
        self.init()
        attempt = Int32(clamping: id.attempt)
        node = id.node
        sequence = Int32(clamping: id.sequence)
        self.error = error
    }

    var reportID: ReportID {
        ReportID(attempt: Int(attempt), node: node, sequence: Int(sequence))
    }
}

extension PBPacketCaptured {
    init(_ id: ReportID, _ packet: CapturedPacket) {
        self.init()
        attempt = Int32(clamping: id.attempt)
        node = id.node
        sequence = Int32(clamping: id.sequence)
        srcIp = packet.srcIP
        dstIp = packet.dstIP
        length = Int64(packet.length)
        headers = PBPacket(packet.headers)
    }

    var reportID: ReportID {
        ReportID(attempt: Int(attempt), node: node, sequence: Int(sequence))
    }
}

extension CapturedPacket {
    init(_ message: PBPacketCaptured) {
        self.init(
            srcIP: message.srcIp, dstIP: message.dstIp, length: Int(message.length),
            headers: Packet(message.headers))
    }
}

extension PBObservation {
    init(_ observation: Observation) {
        self.init()
        component = PBComponent(observation.component)
        action = PBAction(observation.action)
        if let value = observation.componentInfo { componentInfo = value }
        if let value = observation.pod { pod = value }
        if let value = observation.networkPolicy { networkPolicy = value }
        if let value = observation.networkPolicyRule { networkPolicyRule = value }
        if let value = observation.egress { egress = value }
        if let value = observation.egressIP { egressIp = value }
        if let value = observation.egressNode { egressNode = value }
        if let value = observation.srcPodIP { srcPodIp = value }
        if let value = observation.translatedSrcIP { translatedSrcIp = value }
        if let value = observation.translatedDstIP { translatedDstIp = value }
        if let value = observation.tunnelDstIP { tunnelDstIp = value }
    }
}

extension Observation {
    init(_ message: PBObservation) throws {
        self.init(
            try Component(message.component), try Action(message.action),
            componentInfo: message.hasComponentInfo ? message.componentInfo : nil,
            pod: message.hasPod ? message.pod : nil,
            networkPolicy: message.hasNetworkPolicy ? message.networkPolicy : nil,
            networkPolicyRule: message.hasNetworkPolicyRule ? message.networkPolicyRule : nil,
            egress: message.hasEgress ? message.egress : nil,
            egressIP: message.hasEgressIp ? message.egressIp : nil,
            egressNode: message.hasEgressNode ? message.egressNode : nil,
            srcPodIP: message.hasSrcPodIp ? message.srcPodIp : nil,
            translatedSrcIP: message.hasTranslatedSrcIp ? message.translatedSrcIp : nil,
            translatedDstIP: message.hasTranslatedDstIp ? message.translatedDstIp : nil,
            tunnelDstIP: message.hasTunnelDstIp ? message.tunnelDstIp : nil)
    }
}

extension PBComponent {
    init(_ component: Component) {
        self =
            switch component {
            case .spoofGuard: .spoofGuard
            case .lb: .lb
            case .routing: .routing
            case .networkPolicy: .networkPolicy
            case .forwarding: .forwarding
            case .egress: .egress
            }
    }
}

extension Component {
    init(_ message: PBComponent) throws {
        switch message {
        case .spoofGuard: self = .spoofGuard
        case .lb: self = .lb
        case .routing: self = .routing
        case .networkPolicy: self = .networkPolicy
        case .forwarding: self = .forwarding
        case .egress: self = .egress
        case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown component")
        }
    }
}

extension PBAction {
    init(_ action: Action) {
        self =
            switch action {
            case .delivered: .delivered
            case .received: .received
            case .forwarded: .forwarded
            case .dropped: .dropped
            case .rejected: .rejected
            case .forwardedOutOfNetwork: .forwardedOutOfNetwork
            case .forwardedOutOfOverlay: .forwardedOutOfOverlay
            case .markedForSNAT: .markedForSnat
            case .forwardedToEgressNode: .forwardedToEgressNode
            }
    }
}

extension Action {
    init(_ message: PBAction) throws {
        switch message {
        case .delivered: self = .delivered
        case .received: self = .received
        case .forwarded: self = .forwarded
        case .dropped: self = .dropped
        case .rejected: self = .rejected
        case .forwardedOutOfNetwork: self = .forwardedOutOfNetwork
        case .forwardedOutOfOverlay: self = .forwardedOutOfOverlay
        case .markedForSnat: self = .markedForSNAT
        case .forwardedToEgressNode: self = .forwardedToEgressNode
        case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown action")
        }
    }
}

extension PBVerdict {
    init(_ verdict: Verdict) {
        self =
            switch verdict {
            case .delivered: .delivered
            case .dropped: .dropped
            case .rejected: .rejected
            case .forwardedOutOfNetwork: .forwardedOutOfNetwork
            case .lost: .lost
            case .unknown: .unknown
            }
    }
}

extension Verdict {
    init(_ message: PBVerdict) throws {
        switch message {
        case .delivered: self = .delivered
        case .dropped: self = .dropped
        case .rejected: self = .rejected
        case .forwardedOutOfNetwork: self = .forwardedOutOfNetwork
        case .lost: self = .lost
        case .unknown: self = .unknown
        case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown verdict")
        }
    }
}
