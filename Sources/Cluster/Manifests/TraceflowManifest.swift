import Traceflow

/// A Traceflow as its manifest says it: types checked, ranges not (`SchemaViolation` does that).
public struct TraceflowManifest: Sendable {
    public var name: String
    public var apiVersion: APIVersion
    public var spec: TraceflowSpec
    /// Set where the request is a PacketCapture's; `spec` follows from it.
    public var packetCapture: PacketCaptureSpec?
    public var labels: [String: String]
    public var annotations: [String: String]
    public var file: String
    public var line: Int
    /// Fields that are ignored because the schema does not know them.
    public var warnings: [ManifestWarning] = []

    public static let kind = "Traceflow"

    /// Kind and name, for messages.
    public var title: String {
        guard let capture = PacketCaptureManifest.name(ofTrace: name) else {
            return "Traceflow \"\(name)\""
        }
        return "PacketCapture \"\(capture)\""
    }

    /// A Traceflow that no manifest holds; `file` says where it came from.
    public init(name: String, apiVersion: APIVersion, spec: TraceflowSpec, file: String) {
        self.name = name
        self.apiVersion = apiVersion
        self.spec = spec
        self.file = file
        labels = [:]
        annotations = [:]
        line = 1
    }

    public init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        guard let version = APIVersion(rawValue: resource.apiVersion) else {
            throw root["apiVersion"].error(
                "unknown version \(resource.apiVersion); use"
                    + " \(APIVersion.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        if let fault = ObjectName.fault(in: resource.name) {
            throw root["metadata"]["name"].error("\"\(resource.name)\" \(fault)")
        }
        name = resource.name
        apiVersion = version
        labels = try root["metadata"]["labels"].texts()
        annotations = try root["metadata"]["annotations"].texts()
        file = resource.file
        line = resource.line
        spec = try TraceflowSpec(try root["spec"].required(), &warnings)
    }
}

extension TraceflowSpec {
    init(_ field: Field, _ warnings: inout [ManifestWarning]) throws(ManifestError) {
        warnings += try field.unknownKeys(except: [
            "source", "destination", "packet", "liveTraffic", "droppedOnly", "timeout", "capture",
        ])
        self.init()
        if let from = field["source"].optional() {
            warnings += try from.unknownKeys(except: ["namespace", "pod", "ip"])
            source = Source(
                namespace: try from["namespace"].optional()?.string(),
                pod: try from["pod"].optional()?.string(), ip: try from["ip"].optional()?.string())
        }
        if let to = field["destination"].optional() {
            warnings += try to.unknownKeys(except: ["namespace", "pod", "service", "ip"])
            destination = Destination(
                namespace: try to["namespace"].optional()?.string(),
                pod: try to["pod"].optional()?.string(),
                service: try to["service"].optional()?.string(),
                ip: try to["ip"].optional()?.string())
        }
        if let packet = field["packet"].optional() {
            self.packet = try Packet(packet, &warnings)
        }
        liveTraffic = try field["liveTraffic"].optional()?.bool()
        droppedOnly = try field["droppedOnly"].optional()?.bool()
        timeout = try field["timeout"].optional()?.int()
        if let capture = field["capture"].optional() {
            self.capture = try CaptureRequest(capture, &warnings)
        }
    }
}

extension CaptureRequest {
    init(_ field: Field, _ warnings: inout [ManifestWarning]) throws(ManifestError) {
        warnings += try field.unknownKeys(except: ["firstN", "snaplen", "point", "direction"])
        self.init(
            firstN: try field["firstN"].required().int(),
            snaplen: try field["snaplen"].optional()?.int(),
            point: try field["point"].optional()?.oneOf(Point.self),
            direction: try field["direction"].optional()?.oneOf(Direction.self))
    }
}

extension Field {
    func oneOf<T: RawRepresentable & CaseIterable>(
        _: T.Type
    ) throws(ManifestError) -> T where T.RawValue == String {
        let text = try string()
        guard let known = T(rawValue: text) else {
            throw error(
                "\"\(text)\" is none of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return known
    }
}

extension Packet {
    fileprivate init(_ field: Field, _ warnings: inout [ManifestWarning]) throws(ManifestError) {
        warnings += try field.unknownKeys(except: ["ipHeader", "ipv6Header", "transportHeader"])
        self.init()
        if let ip = field["ipHeader"].optional() {
            warnings += try ip.unknownKeys(except: ["srcIP", "protocol", "ttl", "flags"])
            ipHeader = IPHeader(
                srcIP: try ip["srcIP"].optional()?.string(),
                protocol: try ip["protocol"].optional()?.int(),
                ttl: try ip["ttl"].optional()?.int(), flags: try ip["flags"].optional()?.int())
        }
        if let ip = field["ipv6Header"].optional() {
            warnings += try ip.unknownKeys(except: ["srcIP", "nextHeader", "hopLimit"])
            ipv6Header = IPv6Header(
                srcIP: try ip["srcIP"].optional()?.string(),
                nextHeader: try ip["nextHeader"].optional()?.int(),
                hopLimit: try ip["hopLimit"].optional()?.int())
        }
        guard let transport = field["transportHeader"].optional() else { return }
        warnings += try transport.unknownKeys(except: ["tcp", "udp", "icmp"])
        var header = TransportHeader()
        if let tcp = try transport["tcp"].mapping().optional() {
            header.tcp = TCPHeader(
                srcPort: try tcp["srcPort"].optional()?.int(),
                dstPort: try tcp["dstPort"].optional()?.int(),
                flags: try tcp["flags"].optional()?.int())
        }
        if let udp = try transport["udp"].mapping().optional() {
            header.udp = UDPHeader(
                srcPort: try udp["srcPort"].optional()?.int(),
                dstPort: try udp["dstPort"].optional()?.int())
        }
        if let icmp = try transport["icmp"].mapping().optional() {
            header.icmp = ICMPEchoHeader(
                id: try icmp["id"].optional()?.int(),
                sequence: try icmp["sequence"].optional()?.int())
        }
        transportHeader = header
    }
}
