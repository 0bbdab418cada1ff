import Traceflow

/// A PacketCapture as its manifest says it: types checked, ranges not
/// (`PacketCaptureSpec.violation` does that).
public struct PacketCaptureManifest: Sendable {
    public var name: String
    public var spec: PacketCaptureSpec
    public var labels: [String: String] = [:]
    public var annotations: [String: String] = [:]
    public var file: String
    public var line = 1
    /// Fields that are ignored because the schema does not know them.
    public var warnings: [ManifestWarning] = []

    public static let kind = "PacketCapture"

    /// A PacketCapture that no manifest holds; `file` says where it came from.
    public init(name: String, spec: PacketCaptureSpec, file: String) {
        self.name = name
        self.spec = spec
        self.file = file
    }

    public init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        guard resource.apiVersion == APIVersion.v1alpha1.rawValue else {
            throw root["apiVersion"].error(
                "unknown version \(resource.apiVersion); use \(APIVersion.v1alpha1.rawValue)")
        }
        if let fault = ObjectName.fault(in: resource.name) {
            throw root["metadata"]["name"].error("\"\(resource.name)\" \(fault)")
        }
        name = resource.name
        labels = try root["metadata"]["labels"].texts()
        annotations = try root["metadata"]["annotations"].texts()
        file = resource.file
        line = resource.line
        spec = try PacketCaptureSpec(try root["spec"].required(), &warnings)
    }

    /// The spec in a Traceflow's place: a request like any other, of a name that no Traceflow has.
    public var traceflow: TraceflowManifest {
        var manifest = TraceflowManifest(
            name: Self.traceName(of: name), apiVersion: .v1alpha1, spec: spec.traceflow, file: file)
        manifest.packetCapture = spec
        manifest.labels = labels
        manifest.annotations = annotations
        manifest.line = line
        manifest.warnings = warnings
        return manifest
    }

    /// What the trace behind a PacketCapture is called.
    public static func traceName(of name: String) -> String { "packetcapture/\(name)" }

    /// The PacketCapture behind a trace; nil for other traces.
    public static func name(ofTrace name: String) -> String? {
        name.hasPrefix("packetcapture/") ? String(name.dropFirst("packetcapture/".count)) : nil
    }
}

extension PacketCaptureSpec {
    init(_ field: Field, _ warnings: inout [ManifestWarning]) throws(ManifestError) {
        warnings += try field.unknownKeys(except: [
            "source", "destination", "captureConfig", "direction", "capturePoint", "timeout",
            "packet", "fileServer",
        ])
        self.init()
        source = try Self.endpoint(field["source"], &warnings)
        destination = try Self.endpoint(field["destination"], &warnings)
        let config = field["captureConfig"]
        warnings += try config.unknownKeys(except: ["firstN"])
        warnings += try config["firstN"].unknownKeys(except: ["number"])
        firstN = try config["firstN"]["number"].optional()?.int()
        direction = try field["direction"].optional()?.oneOf(CaptureRequest.Direction.self)
        if let word = try field["capturePoint"].word(of: ["Source", "Destination"]) {
            capturePoint = CaptureRequest.Point(rawValue: word)
        }
        timeout = try field["timeout"].optional()?.int()
        if let packet = field["packet"].optional() {
            self.packet = try PacketSelection(packet, &warnings)
        }
        if let server = field["fileServer"].optional() {
            warnings += try server.unknownKeys(except: ["url", "hostPublicKey"])
            fileServer = FileServer(
                url: try server["url"].required().string(),
                hostPublicKey: try server["hostPublicKey"].optional()?.string())
        }
    }

    private static func endpoint(
        _ field: Field, _ warnings: inout [ManifestWarning]
    ) throws(ManifestError) -> Endpoint? {
        guard let field = field.optional() else { return nil }
        warnings += try field.unknownKeys(except: ["pod", "ip"])
        var end = Endpoint(ip: try field["ip"].optional()?.string())
        if let pod = field["pod"].optional() {
            warnings += try pod.unknownKeys(except: ["namespace", "name"])
            end.pod = PodReference(
                namespace: try pod["namespace"].optional()?.string(),
                name: try pod["name"].required().string())
        }
        return end
    }
}

extension PacketSelection {
    fileprivate init(_ field: Field, _ warnings: inout [ManifestWarning]) throws(ManifestError) {
        warnings += try field.unknownKeys(except: ["ipFamily", "protocol", "transportHeader"])
        self.init()
        switch try field["ipFamily"].word(of: ["IPv4", "IPv6"]) {
        case "IPv4": ipFamily = .v4
        case "IPv6": ipFamily = .v6
        default: break
        }
        self.protocol = try field["protocol"].optional()?.numberOrName()
        let header = field["transportHeader"]
        warnings += try header.unknownKeys(except: ["tcp", "udp", "icmp", "icmpv6"])
        if let tcp = try header["tcp"].mapping().optional() {
            warnings += try tcp.unknownKeys(except: ["srcPort", "dstPort", "flags"])
            var flags: [Flags] = []
            for flag in try tcp["flags"].list() {
                warnings += try flag.unknownKeys(except: ["value", "mask"])
                flags.append(
                    Flags(
                        value: try flag["value"].required().int(),
                        mask: try flag["mask"].optional()?.int()))
            }
            transports.append(.tcp(try Ports(tcp), flags: flags))
        }
        if let udp = try header["udp"].mapping().optional() {
            warnings += try udp.unknownKeys(except: ["srcPort", "dstPort"])
            transports.append(.udp(try Ports(udp)))
        }
        if let icmp = try header["icmp"].mapping().optional() {
            transports.append(.icmp(try Self.messages(icmp, &warnings)))
        }
        if let icmpv6 = try header["icmpv6"].mapping().optional() {
            transports.append(.icmpv6(try Self.messages(icmpv6, &warnings)))
        }
    }

    private static func messages(
        _ field: Field, _ warnings: inout [ManifestWarning]
    ) throws(ManifestError) -> [Message] {
        warnings += try field.unknownKeys(except: ["messages"])
        var messages: [Message] = []
        for message in try field["messages"].list() {
            warnings += try message.unknownKeys(except: ["type", "code"])
            messages.append(
                Message(
                    type: try message["type"].required().numberOrName(),
                    code: try message["code"].optional()?.int()))
        }
        return messages
    }
}

extension PacketSelection.Ports {
    fileprivate init(_ field: Field) throws(ManifestError) {
        self.init(
            srcPort: try field["srcPort"].optional()?.int(),
            dstPort: try field["dstPort"].optional()?.int())
    }
}

extension Field {
    fileprivate func numberOrName() throws(ManifestError) -> PacketSelection.NumberOrName {
        if case .string(let name) = value?.content { return .name(name) }
        return .number(try int())
    }
}
