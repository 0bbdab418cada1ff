extension PacketCaptureSpec {
    /// The first field that breaks the schema (build/charts/antrea/crds/packetcapture.yaml, its
    /// CEL rules among it); nil when none does.
    ///
    /// `firstN.number` has no minimum there; a capture of no packets ends by its timeout.
    public var violation: SchemaViolation? {
        endpointViolation ?? pointViolation ?? rangeViolation ?? packet?.violation
            ?? fileServer?.violation
    }

    private var endpointViolation: SchemaViolation? {
        for (field, end) in [("spec.source", source), ("spec.destination", destination)] {
            guard let end else { continue }
            if end.pod != nil, end.ip != nil {
                return SchemaViolation(
                    field: field, value: "(pod and ip)", rule: "is either a pod or an ip")
            }
            if let ip = end.ip, IPAddress(ip) == nil {
                return SchemaViolation(
                    field: field + ".ip", value: "\"\(ip)\"",
                    rule: "must be an IPv4 or IPv6 address")
            }
        }
        guard source?.pod != nil || destination?.pod != nil else {
            return SchemaViolation(
                field: "spec", value: "(no pod)",
                rule: "at least one of source.pod and destination.pod is needed")
        }
        return nil
    }

    private var pointViolation: SchemaViolation? {
        switch capturePoint {
        case .source where source?.pod == nil:
            SchemaViolation(
                field: "spec.capturePoint", value: "Source", rule: "needs spec.source.pod")
        case .destination where destination?.pod == nil:
            SchemaViolation(
                field: "spec.capturePoint", value: "Destination",
                rule: "needs spec.destination.pod")
        case .both:
            SchemaViolation(
                field: "spec.capturePoint", value: "Both",
                rule: "must be Source or Destination")
        case .source, .destination, nil: nil
        }
    }

    private var rangeViolation: SchemaViolation? {
        guard let firstN else {
            return SchemaViolation(
                field: "spec.captureConfig.firstN.number", value: "(absent)", rule: "required")
        }
        return SchemaViolation.range(
            firstN, Int(Int32.min)...Int(Int32.max), "spec.captureConfig.firstN.number")
            ?? SchemaViolation.range(timeout, Self.timeoutRange, "spec.timeout")
    }
}

extension PacketSelection {
    fileprivate var violation: SchemaViolation? {
        let field = "spec.packet.transportHeader"
        guard transports.count <= 1 else {
            return SchemaViolation(
                field: field, value: "(\(transports.count) of them)",
                rule: "at most one of tcp, udp, icmp and icmpv6")
        }
        switch transports.first {
        case .tcp(let ports, let flags):
            for flag in flags {
                let fault =
                    SchemaViolation.range(flag.value, 0...255, field + ".tcp.flags.value")
                    ?? SchemaViolation.range(flag.mask, 0...255, field + ".tcp.flags.mask")
                if let fault { return fault }
            }
            return ports.violation(field + ".tcp")
        case .udp(let ports): return ports.violation(field + ".udp")
        case .icmp(let messages): return Self.violation(messages, field + ".icmp.messages")
        case .icmpv6(let messages): return Self.violation(messages, field + ".icmpv6.messages")
        case nil: return nil
        }
    }

    private static func violation(_ messages: [Message], _ field: String) -> SchemaViolation? {
        for message in messages {
            if case .number(let number) = message.type, !(0...255).contains(number) {
                return SchemaViolation.range(number, 0...255, field + ".type")
            }
            if let fault = SchemaViolation.range(message.code, 0...255, field + ".code") {
                return fault
            }
        }
        return nil
    }
}

extension PacketSelection.Ports {
    fileprivate func violation(_ field: String) -> SchemaViolation? {
        SchemaViolation.range(srcPort, 1...65535, field + ".srcPort")
            ?? SchemaViolation.range(dstPort, 1...65535, field + ".dstPort")
    }
}

extension PacketCaptureSpec.FileServer {
    /// `sftp://host:port/path`: the schema wants the port; IPv6 addresses stand in brackets.
    fileprivate var violation: SchemaViolation? {
        let fault = SchemaViolation(
            field: "spec.fileServer.url", value: "\"\(url)\"",
            rule: "must be of the form sftp://host:port/path")
        guard url.hasPrefix("sftp://"), !url.contains(where: \.isWhitespace) else { return fault }
        let rest = url.dropFirst("sftp://".count)
        let authority = rest.prefix { $0 != "/" }
        guard let colon = authority.lastIndex(of: ":"),
            let port = UInt16(authority[authority.index(after: colon)...]), port > 0
        else { return fault }
        let host = authority[..<colon]
        if host.hasPrefix("[") {
            let address = host.dropFirst().dropLast()
            guard host.hasSuffix("]"), IPAddress(String(address))?.family == .v6 else {
                return fault
            }
        } else if host.isEmpty || host.contains(":") || host.contains("@") {
            return fault
        }
        return nil
    }
}
