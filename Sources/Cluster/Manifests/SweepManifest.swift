import Traceflow

/// A TraceSweep as its manifest says it (`tracectl.dev/v1alpha1`).
public struct SweepManifest: Sendable {
    public struct Port: Hashable, Sendable {
        /// TCP, UDP or ICMP.
        public var `protocol`: String
        /// 0 for ICMP.
        public var number: Int
    }

    public var name: String
    public var labels: [String: String]
    /// Selectors as text; nil for all Pods.
    public var from: String?
    public var to: String?
    public var ports: [Port]
    public var prefersV6: Bool
    /// `pairs` or `classes`.
    public var coverage: String?
    public var openMax: Int?
    public var ratePerSecond: Double?
    public var priority: Int?
    public var retries: Int?
    public var timeoutSeconds: Int?
    public var capture: CaptureRequest?
    public var file: String
    public var line: Int
    /// Fields that are ignored because nobody knows them.
    public var warnings: [ManifestWarning] = []

    public static let kind = "TraceSweep"
    public static let apiVersion = "tracectl.dev/v1alpha1"
    /// How many traces may wait or run at once.
    public static let openMaxRange = 1...1_000_000

    public init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        guard resource.apiVersion == Self.apiVersion else {
            throw root["apiVersion"].error(
                "unknown version \(resource.apiVersion); use \(Self.apiVersion)")
        }
        if let fault = ObjectName.fault(in: resource.name) {
            throw root["metadata"]["name"].error("\"\(resource.name)\" \(fault)")
        }
        if Int64(resource.name) != nil {
            throw root["metadata"]["name"].error(
                "\"\(resource.name)\" is a number, as sweeps without a name are called")
        }
        try self.init(
            name: resource.name, labels: root["metadata"]["labels"].texts(),
            spec: root["spec"].required())
    }

    /// `spec` is that of a TraceSweep, wherever it is written.
    init(name: String, labels: [String: String], spec: Field) throws(ManifestError) {
        self.name = name
        self.labels = labels
        file = spec.file
        line = spec.line
        _ = try spec.mapping()
        warnings += try spec.unknownKeys(except: [
            "sources", "destinations", "ports", "ipFamily", "coverage", "maxInFlight",
            "ratePerSecond", "priority", "retries", "timeout", "capture",
        ])
        from = try Self.selector(spec["sources"], &warnings)
        to = try Self.selector(spec["destinations"], &warnings)
        ports = []
        for entry in try spec["ports"].required().list() { ports.append(try Port(entry)) }
        if ports.isEmpty { throw spec["ports"].error("at least one port is needed") }
        let family = try spec["ipFamily"].optional()?.string() ?? "IPv4"
        guard ["IPv4", "IPv6"].contains(family) else {
            throw spec["ipFamily"].error("\"\(family)\" is neither IPv4 nor IPv6")
        }
        prefersV6 = family == "IPv6"
        coverage = try spec["coverage"].optional()?.string()
        if let coverage, !["pairs", "classes"].contains(coverage) {
            throw spec["coverage"].error("\"\(coverage)\" is neither pairs nor classes")
        }
        openMax = try spec["maxInFlight"].int(in: Self.openMaxRange)
        priority = try spec["priority"].int(in: 0...9)
        retries = try spec["retries"].int(in: 0...100)
        timeoutSeconds = try spec["timeout"].int(in: 1...300)
        if let field = spec["capture"].optional() {
            let asked = try CaptureRequest(field, &warnings)
            if let fault = asked.violation(hasSourcePod: true) {
                throw field.error("\(fault.field) \(fault.value): \(fault.rule)")
            }
            capture = asked
        }
        ratePerSecond = try spec["ratePerSecond"].optional()?.number()
        if let ratePerSecond, !(ratePerSecond > 0) {
            throw spec["ratePerSecond"].error("must be more than 0")
        }
    }

    /// Namespaces and Pod labels as one selector; nil for everything.
    private static func selector(
        _ field: Field, _ warnings: inout [ManifestWarning]
    ) throws(ManifestError) -> String? {
        guard let field = field.optional() else { return nil }
        warnings += try field.unknownKeys(except: ["namespaces", "podSelector"])
        var selector = LabelSelector(matching: [:])
        if let pods = field["podSelector"].optional() { selector = try LabelSelector(pods) }
        var namespaces: Set<String> = []
        for entry in try field["namespaces"].list() { namespaces.insert(try entry.string()) }
        if !namespaces.isEmpty {
            selector.requirements.append(
                .isIn(key: SweptPods.namespaceKey, values: namespaces))
        }
        let pods = SweptPods(selector)
        guard pods.isText else {
            throw field.error("has a key or a value that labels and Namespaces cannot have")
        }
        let text = pods.text
        return text.isEmpty ? nil : text
    }
}

extension SweepManifest.Port {
    fileprivate init(_ field: Field) throws(ManifestError) {
        let name = (try field["protocol"].optional()?.string() ?? "TCP").uppercased()
        switch name {
        case "ICMP":
            if let port = field["port"].optional() { throw port.error("ICMP has no ports") }
            self.init(protocol: name, number: 0)
        case "TCP", "UDP":
            let port = field["port"]
            let number = try port.required().int()
            guard (1...65535).contains(number) else {
                throw port.error("must be between 1 and 65535")
            }
            self.init(protocol: name, number: number)
        case "SCTP":
            throw field["protocol"].error("a Traceflow cannot state a port of SCTP")
        default: throw field["protocol"].error("\"\(name)\" is none of TCP, UDP, ICMP")
        }
    }
}
