import Traceflow

extension PBPacketCapture {
    init(_ spec: PacketCaptureSpec) {
        self.init()
        if let source = spec.source { self.source = PBCaptureEndpoint(source) }
        if let destination = spec.destination { self.destination = PBCaptureEndpoint(destination) }
        if let number = spec.firstN { firstN = Int64(number) }
        direction = spec.direction?.rawValue ?? ""
        capturePoint = spec.capturePoint?.rawValue ?? ""
        if let timeout = spec.timeout { timeoutSeconds = Int64(timeout) }
        if let packet = spec.packet { self.packet = PBPacketMatch(packet) }
        if let server = spec.fileServer {
            fileServer = .with {
                $0.url = server.url
                if let key = server.hostPublicKey { $0.hostPublicKey = key }
            }
        }
    }
}

extension PacketCaptureSpec {
    init(_ message: PBPacketCapture) throws {
        self.init(
            source: message.hasSource ? Endpoint(message.source) : nil,
            destination: message.hasDestination ? Endpoint(message.destination) : nil,
            firstN: message.hasFirstN ? Int(message.firstN) : nil,
            direction: CaptureRequest.Direction(rawValue: message.direction),
            capturePoint: CaptureRequest.Point(rawValue: message.capturePoint),
            timeout: message.hasTimeoutSeconds ? Int(message.timeoutSeconds) : nil,
            packet: message.hasPacket ? try PacketSelection(message.packet) : nil)
        if message.hasFileServer {
            let server = message.fileServer
            fileServer = FileServer(
                url: server.url,
                hostPublicKey: server.hasHostPublicKey ? server.hostPublicKey : nil)
        }
    }
}

extension PBCaptureEndpoint {
    init(_ end: PacketCaptureSpec.Endpoint) {
        self.init()
        if let pod = end.pod {
            self.pod = pod.name
            if let namespace = pod.namespace { self.namespace = namespace }
        }
        if let ip = end.ip { self.ip = ip }
    }
}

extension PacketCaptureSpec.Endpoint {
    init(_ message: PBCaptureEndpoint) {
        self.init(ip: message.hasIp ? message.ip : nil)
        if message.hasPod {
            pod = PacketCaptureSpec.PodReference(
                namespace: message.hasNamespace ? message.namespace : nil, name: message.pod)
        }
    }
}

extension PBPacketMatch {
    init(_ match: PacketSelection) {
        self.init()
        switch match.ipFamily {
        case .v4: ipFamily = 4
        case .v6: ipFamily = 6
        case nil: break
        }
        if let number = match.protocol { self.protocol = NumberOrName(number) }
        transports = match.transports.map(Transport.init)
    }
}

extension PacketSelection {
    init(_ message: PBPacketMatch) throws {
        self.init(protocol: message.hasProtocol ? try NumberOrName(message.protocol) : nil)
        switch message.ipFamily {
        case 4: ipFamily = .v4
        case 6: ipFamily = .v6
        default: break
        }
        transports = try message.transports.map(Transport.init)
    }
}

extension PBPacketMatch.NumberOrName {
    init(_ value: PacketSelection.NumberOrName) {
        self.init()
        switch value {
        case .number(let number): self.number = Int64(number)
        case .name(let name): self.name = name
        }
    }
}

extension PacketSelection.NumberOrName {
    init(_ message: PBPacketMatch.NumberOrName) throws {
        switch message.value {
        case .number(let number): self = .number(Int(number))
        case .name(let name): self = .name(name)
        case nil: throw Malformed(what: "neither number nor name")
        }
    }
}

extension PBPacketMatch.Transport {
    init(_ transport: PacketSelection.Transport) {
        self.init()
        switch transport {
        case .tcp(let ports, let flags):
            self.protocol = 6
            set(ports)
            self.flags = flags.map { flag in
                .with {
                    $0.value = Int64(flag.value)
                    if let mask = flag.mask { $0.mask = Int64(mask) }
                }
            }
        case .udp(let ports):
            self.protocol = 17
            set(ports)
        case .icmp(let messages):
            self.protocol = 1
            set(messages)
        case .icmpv6(let messages):
            self.protocol = 58
            set(messages)
        }
    }

    private mutating func set(_ ports: PacketSelection.Ports) {
        if let port = ports.srcPort { srcPort = Int64(port) }
        if let port = ports.dstPort { dstPort = Int64(port) }
    }

    private mutating func set(_ messages: [PacketSelection.Message]) {
        self.messages = messages.map { message in
            .with {
                $0.type = PBPacketMatch.NumberOrName(message.type)
                if let code = message.code { $0.code = Int64(code) }
            }
        }
    }
}

extension PacketSelection.Transport {
    init(_ message: PBPacketMatch.Transport) throws {
        let ports = PacketSelection.Ports(
            srcPort: message.hasSrcPort ? Int(message.srcPort) : nil,
            dstPort: message.hasDstPort ? Int(message.dstPort) : nil)
        let messages = try message.messages.map {
            PacketSelection.Message(
                type: try PacketSelection.NumberOrName($0.type),
                code: $0.hasCode ? Int($0.code) : nil)
        }
        switch message.protocol {
        case 6:
            self = .tcp(
                ports,
                flags: message.flags.map {
                    PacketSelection.Flags(
                        value: Int($0.value), mask: $0.hasMask ? Int($0.mask) : nil)
                })
        case 17: self = .udp(ports)
        case 1: self = .icmp(messages)
        case 58: self = .icmpv6(messages)
        default: throw Malformed(what: "unknown transport of a capture")
        }
    }
}
