import Traceflow

extension PBSpec {
    init(_ spec: TraceflowSpec) {
        self.init()
        if let source = spec.source { self.source = PBSource(source) }
        if let destination = spec.destination { self.destination = PBDestination(destination) }
        if let packet = spec.packet { self.packet = PBPacket(packet) }
        if let live = spec.liveTraffic { liveTraffic = live }
        if let dropped = spec.droppedOnly { droppedOnly = dropped }
        if let timeout = spec.timeout { timeoutSeconds = Int64(timeout) }
        if let capture = spec.capture { self.capture = PBCaptureRequest(capture) }
    }
}

extension TraceflowSpec {
    init(_ message: PBSpec) {
        self.init()
        if message.hasSource { source = Source(message.source) }
        if message.hasDestination { destination = Destination(message.destination) }
        if message.hasPacket { packet = Packet(message.packet) }
        liveTraffic = message.hasLiveTraffic ? message.liveTraffic : nil
        droppedOnly = message.hasDroppedOnly ? message.droppedOnly : nil
        timeout = message.hasTimeoutSeconds ? Int(message.timeoutSeconds) : nil
        if message.hasCapture { capture = CaptureRequest(message.capture) }
    }
}

extension PBSource {
    init(_ source: TraceflowSpec.Source) {
        self.init()
        if let value = source.namespace { namespace = value }
        if let value = source.pod { pod = value }
        if let value = source.ip { ip = value }
    }
}

extension TraceflowSpec.Source {
    init(_ message: PBSource) {
        self.init(
            namespace: message.hasNamespace ? message.namespace : nil,
            pod: message.hasPod ? message.pod : nil, ip: message.hasIp ? message.ip : nil)
    }
}

extension PBDestination {
    init(_ destination: TraceflowSpec.Destination) {
        self.init()
        if let value = destination.namespace { namespace = value }
        if let value = destination.pod { pod = value }
        if let value = destination.service { service = value }
        if let value = destination.ip { ip = value }
    }
}

extension TraceflowSpec.Destination {
    init(_ message: PBDestination) {
        self.init(
            namespace: message.hasNamespace ? message.namespace : nil,
            pod: message.hasPod ? message.pod : nil,
            service: message.hasService ? message.service : nil,
            ip: message.hasIp ? message.ip : nil)
    }
}

extension PBPacket {
    init(_ packet: Packet) {
        self.init()
        if let header = packet.ipHeader {
            ipHeader = .with {
                if let value = header.srcIP { $0.srcIp = value }
                if let value = header.protocol { $0.protocol = Int64(value) }
                if let value = header.ttl { $0.ttl = Int64(value) }
                if let value = header.flags { $0.flags = Int64(value) }
            }
        }
        if let header = packet.ipv6Header {
            ipv6Header = .with {
                if let value = header.srcIP { $0.srcIp = value }
                if let value = header.nextHeader { $0.nextHeader = Int64(value) }
                if let value = header.hopLimit { $0.hopLimit = Int64(value) }
            }
        }
        if let header = packet.transportHeader { transportHeader = PBTransportHeader(header) }
    }
}

extension Packet {
    init(_ message: PBPacket) {
        self.init()
        if message.hasIpHeader {
            let ip = message.ipHeader
            ipHeader = IPHeader(
                srcIP: ip.hasSrcIp ? ip.srcIp : nil,
                protocol: ip.hasProtocol ? Int(ip.protocol) : nil,
                ttl: ip.hasTtl ? Int(ip.ttl) : nil, flags: ip.hasFlags ? Int(ip.flags) : nil)
        }
        if message.hasIpv6Header {
            let ip = message.ipv6Header
            ipv6Header = IPv6Header(
                srcIP: ip.hasSrcIp ? ip.srcIp : nil,
                nextHeader: ip.hasNextHeader ? Int(ip.nextHeader) : nil,
                hopLimit: ip.hasHopLimit ? Int(ip.hopLimit) : nil)
        }
        if message.hasTransportHeader {
            transportHeader = TransportHeader(message.transportHeader)
        }
    }
}

extension PBTransportHeader {
    init(_ header: TransportHeader) {
        self.init()
        if let tcp = header.tcp {
            self.tcp = .with {
                if let value = tcp.srcPort { $0.srcPort = Int64(value) }
                if let value = tcp.dstPort { $0.dstPort = Int64(value) }
                if let value = tcp.flags { $0.flags = Int64(value) }
            }
        }
        if let udp = header.udp {
            self.udp = .with {
                if let value = udp.srcPort { $0.srcPort = Int64(value) }
                if let value = udp.dstPort { $0.dstPort = Int64(value) }
            }
        }
        if let icmp = header.icmp {
            self.icmp = .with {
                if let value = icmp.id { $0.id = Int64(value) }
                if let value = icmp.sequence { $0.sequence = Int64(value) }
            }
        }
    }
}

extension TransportHeader {
    init(_ message: PBTransportHeader) {
        self.init()
        if message.hasTcp {
            let from = message.tcp
            tcp = TCPHeader(
                srcPort: from.hasSrcPort ? Int(from.srcPort) : nil,
                dstPort: from.hasDstPort ? Int(from.dstPort) : nil,
                flags: from.hasFlags ? Int(from.flags) : nil)
        }
        if message.hasUdp {
            let from = message.udp
            udp = UDPHeader(
                srcPort: from.hasSrcPort ? Int(from.srcPort) : nil,
                dstPort: from.hasDstPort ? Int(from.dstPort) : nil)
        }
        if message.hasIcmp {
            let from = message.icmp
            icmp = ICMPEchoHeader(
                id: from.hasID ? Int(from.id) : nil,
                sequence: from.hasSequence ? Int(from.sequence) : nil)
        }
    }
}
