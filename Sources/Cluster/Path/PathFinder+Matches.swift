import Packets
import Traceflow

/// What a live trace's packets look like to whoever hands it packets.
extension PathFinder {
    /// Any of these is what the trace may want to see; none where it can see nothing.
    ///
    /// Wider than what it is about, which `following` decides: of a translated connection only what
    /// no translation changes is stated. That is of what is sent all that the trace itself looks
    /// at, since it looks at packets as they are sent; of replies, where the destination is no
    /// Pod, the protocol and the port that they come back to.
    ///
    /// Replies are wanted where packets of them are kept. Of protocols without a handshake those to
    /// the packets' own addresses are wanted in any case: who sees one first knows that the
    /// connection was there before.
    public func matches(of spec: TraceflowSpec) -> [PacketMatch] {
        guard let sent = sentMatch(of: spec) else { return [] }
        var matches = [sent]
        if sent.protocol != UInt8(Headers.tcp) { matches.append(sent.reversed) }
        guard let capture = spec.capture, capture.takes(.destinationToSource) else {
            return matches
        }
        var replies = sent.reversed
        if !(sent.destination.map { cluster.pod(at: $0) != nil } ?? false) {
            replies.source = nil
            replies.destination = nil
            replies.sourcePort = nil
        }
        if !matches.contains(replies) { matches.append(replies) }
        return matches
    }

    /// Any of these is what a PacketCapture takes at its Pod's own interface; none where nobody
    /// looks.
    public func matches(of capture: PacketCaptureSpec) -> [PacketMatch] {
        guard node(of: capture) != nil, let filter = try? filter(of: capture) else { return [] }
        var sent = PacketMatch(
            family: filter.family, source: filter.source, destination: filter.destination,
            protocol: filter.number.flatMap { UInt8(exactly: $0) },
            sourcePort: filter.ports.srcPort.flatMap { UInt16(exactly: $0) },
            destinationPort: filter.ports.dstPort.flatMap { UInt16(exactly: $0) })
        sent.flags = filter.flags.map {
            PacketMatch.Flags(
                value: UInt8(clamping: $0.value), mask: UInt8(clamping: $0.mask ?? $0.value))
        }
        sent.messages = filter.messages.map {
            PacketMatch.Message(
                type: UInt8(clamping: $0.type), code: $0.code.map { UInt8(clamping: $0) })
        }
        var answered = sent.reversed
        (answered.flags, answered.messages) = (sent.flags, sent.messages)
        return switch filter.direction {
        case .sourceToDestination: [sent]
        case .destinationToSource: [answered]
        case .both: [sent, answered]
        }
    }

    private func sentMatch(of spec: TraceflowSpec) -> PacketMatch? {
        if spec.hasSourcePod {
            guard let source = sourcePod(of: spec),
                let address = cluster.pods[source].address(spec.family),
                let prepared = try? cluster.sentMatch(of: spec)
            else { return nil }
            var match = PacketMatch(prepared)
            match.source = address
            return match
        }
        let name = "\(spec.destination?.namespace ?? "")/\(spec.destination?.pod ?? "")"
        guard let receiver = cluster.pod(name),
            let prepared = try? cluster.receivedMatch(of: spec, at: receiver)
        else { return nil }
        var match = PacketMatch(prepared)
        // It may be sent to a Service, and on another port.
        match.destinationPort = nil
        return match
    }
}

extension PacketMatch {
    fileprivate init(_ prepared: PreparedPacket) {
        self.init(
            family: prepared.family, source: prepared.sourceIP,
            destination: prepared.destinationIP,
            protocol: prepared.protocol.flatMap { UInt8(exactly: $0) },
            sourcePort: prepared.sourcePort.flatMap { UInt16(exactly: $0) },
            destinationPort: prepared.destinationPort.flatMap { UInt16(exactly: $0) })
    }
}
