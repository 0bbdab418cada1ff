/// A value that the Traceflow schema of the request's API version refuses.
public struct SchemaViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path of the field, from `spec`.
    public let field: String
    public let value: String
    /// What the schema demands.
    public let rule: String

    public var description: String { "\(field): invalid value \(value): \(rule)" }

    /// The first field that breaks the schema (build/charts/antrea/crds/traceflow.yaml), nil when
    /// none does. v1alpha1 has no ranges, only the 16 bits of its Go type and the required source.
    public static func first(in spec: TraceflowSpec, of version: APIVersion) -> SchemaViolation? {
        if let own = spec.capture?.violation(hasSourcePod: spec.hasSourcePod) { return own }
        return switch version {
        case .v1beta1: firstV1beta1(in: spec)
        case .v1alpha1: firstV1alpha1(in: spec)
        }
    }

    private static func firstV1alpha1(in spec: TraceflowSpec) -> SchemaViolation? {
        let timeout = range(spec.timeout, 0...65535, "spec.timeout")
        if let timeout { return timeout }
        // v1.0 required both; v1.1 let live traces name an address instead.
        guard let source = spec.source, source.ip == nil else { return nil }
        if source.pod == nil {
            return SchemaViolation(field: "spec.source.pod", value: "(absent)", rule: "required")
        }
        if source.namespace == nil {
            return SchemaViolation(
                field: "spec.source.namespace", value: "(absent)", rule: "required")
        }
        return nil
    }

    private static func firstV1beta1(in spec: TraceflowSpec) -> SchemaViolation? {
        let ip = spec.packet?.ipHeader
        let ip6 = spec.packet?.ipv6Header
        let transport = spec.packet?.transportHeader
        let packet = "spec.packet."
        let ranges: [(Int?, ClosedRange<Int>, String)] = [
            (spec.timeout, 1...300, "spec.timeout"),
            (ip?.protocol, 0...255, packet + "ipHeader.protocol"),
            (ip?.ttl, 0...255, packet + "ipHeader.ttl"),
            (ip?.flags, 0...7, packet + "ipHeader.flags"),
            (ip6?.nextHeader, 0...65535, packet + "ipv6Header.nextHeader"),
            (ip6?.hopLimit, 0...65535, packet + "ipv6Header.hopLimit"),
            (transport?.tcp?.srcPort, 1...65535, packet + "transportHeader.tcp.srcPort"),
            (transport?.tcp?.dstPort, 1...65535, packet + "transportHeader.tcp.dstPort"),
            (transport?.tcp?.flags, 0...255, packet + "transportHeader.tcp.flags"),
            (transport?.udp?.srcPort, 1...65535, packet + "transportHeader.udp.srcPort"),
            (transport?.udp?.dstPort, 1...65535, packet + "transportHeader.udp.dstPort"),
            (transport?.icmp?.id, 0...65535, packet + "transportHeader.icmp.id"),
            (transport?.icmp?.sequence, 0...65535, packet + "transportHeader.icmp.sequence"),
        ]
        return address(spec.source?.ip, "spec.source.ip")
            ?? address(spec.destination?.ip, "spec.destination.ip")
            ?? ranges.lazy.compactMap { range($0.0, $0.1, $0.2) }.first
    }

    static func range(
        _ value: Int?, _ allowed: ClosedRange<Int>, _ field: String
    ) -> SchemaViolation? {
        guard let value, !allowed.contains(value) else { return nil }
        return SchemaViolation(
            field: field, value: String(value),
            rule: "must be between \(allowed.lowerBound) and \(allowed.upperBound)")
    }

    private static func address(_ text: String?, _ field: String) -> SchemaViolation? {
        guard let text, IPAddress(text) == nil else { return nil }
        return SchemaViolation(
            field: field, value: "\"\(text)\"", rule: "must be an IPv4 or IPv6 address")
    }
}

extension CaptureRequest {
    /// The first field out of bounds, of a trace that names a source Pod or does not.
    public func violation(hasSourcePod: Bool) -> SchemaViolation? {
        let own =
            SchemaViolation.range(firstN, Self.firstNRange, "spec.capture.firstN")
            ?? SchemaViolation.range(snaplen, Self.snaplenRange, "spec.capture.snaplen")
        if let own { return own }
        guard point == .source, !hasSourcePod else { return nil }
        return SchemaViolation(
            field: "spec.capture.point", value: "Source", rule: "needs spec.source.pod")
    }
}
