import API
import ArgumentParser
import Cluster
import Foundation
import Traceflow
import Worker

/// A Traceflow told by flags, in antctl's words.
struct TraceForm: ParsableArguments {
    @Option(name: [.customShort("S"), .long], help: "Source: [namespace/]pod, or an IP address.")
    var source: String?

    @Option(
        name: [.customShort("D"), .long],
        help: "Destination: [namespace/]pod, [namespace/]service, or an IP address.")
    var destination: String?

    @Option(help: "The packet: tcp,tcp_dst=80 and the like (antctl's keys).")
    var flow: String?

    @Flag(name: [.customShort("L"), .customLong("live-traffic")], help: "Trace real traffic.")
    var live = false

    @Flag(name: .customLong("dropped-only"), help: "Capture only dropped packets; needs -L.")
    var droppedOnly = false

    @Option(name: .shortAndLong, help: "How long the trace may run. antctl's default: 10s.")
    var timeout: Duration64?

    @OptionGroup var capture: CaptureOptions

    /// antctl's default timeout.
    static let timeoutSeconds = 10

    var isGiven: Bool {
        source != nil || destination != nil || flow != nil || live || droppedOnly
    }

    func validate() throws {
        guard isGiven else { return }
        if !live, source == nil { throw ValidationError("a source is needed: -S [namespace/]pod") }
        if !live, destination == nil {
            throw ValidationError("a destination is needed: -D [namespace/]pod, service or address")
        }
        if live, source == nil, destination == nil {
            throw ValidationError("one of -S and -D must be a Pod")
        }
        if droppedOnly, !live { throw ValidationError("--dropped-only needs -L (live traffic)") }
        if let flow { _ = try FlowText.packet(flow) }
    }

    /// `nowait` as antctl has it: who does not wait gets the plain name.
    func manifest(in cluster: Cluster, nowait: Bool = false) throws -> TraceflowManifest {
        var spec = TraceflowSpec()
        if let source {
            if IPAddress(source) != nil {
                guard live else {
                    throw CommandFailure(
                        "-S \(source): an address can be the source of live traffic only (-L)")
                }
                spec.source = .init(ip: source)
            } else {
                let (namespace, pod) = Self.split(source)
                spec.source = .init(namespace: namespace, pod: pod)
            }
        }
        if let destination {
            let (namespace, name) = Self.split(destination)
            if IPAddress(destination) != nil {
                spec.destination = .init(ip: destination)
            } else if cluster.podExists(namespace: namespace, name: name) {
                spec.destination = .init(namespace: namespace, pod: name)
            } else {
                // As antctl has it: what is no Pod is taken for a Service.
                spec.destination = .init(namespace: namespace, service: name)
            }
        }
        if let flow { spec.packet = try FlowText.packet(flow) }
        if live { spec.liveTraffic = true }
        if droppedOnly { spec.droppedOnly = true }
        spec.capture = capture.request
        spec.timeout = timeout.map { Int($0.microseconds / 1_000_000) } ?? Self.timeoutSeconds
        let name = Self.name(
            from: source, to: destination, suffix: nowait ? nil : Self.suffix())
        return TraceflowManifest(name: name, apiVersion: .v1beta1, spec: spec, file: "flags")
    }

    static func split(_ text: String) -> (namespace: String, name: String) {
        guard let slash = text.firstIndex(of: "/") else { return ("default", text) }
        return (String(text[..<slash]), String(text[text.index(after: slash)...]))
    }

    /// antctl's name: both ends, and eight random characters unless nobody waits.
    static func name(from source: String?, to destination: String?, suffix: String?) -> String {
        let ends = [source, destination].map { end in
            end.map { text in
                IPAddress(text) != nil
                    ? text
                    : text.contains("/")
                        ? text.replacing("/", with: "-") : "default-" + text
            } ?? "any"
        }
        let name = ends.joined(separator: "-to-").replacing("::", with: "-")
            .replacing(":", with: "-")
        return suffix.map { name + "-" + $0 } ?? name
    }

    static func suffix() -> String {
        String((0..<8).map { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() ?? "a" })
    }
}

/// antctl's `--flow` text.
enum FlowText {
    /// The keys and numbers of a text like `tcp,tcp_dst=80`; blanks are ignored.
    static func fields(_ text: String) throws -> [String: Int] {
        var fields: [String: Int] = [:]
        let parts = text.filter { !$0.isWhitespace }.split(separator: ",")
        for part in parts {
            let pair = part.split(separator: "=", omittingEmptySubsequences: false)
            guard let key = pair.first, !key.isEmpty, pair.count <= 2 else {
                throw ValidationError("--flow: \"\(part)\" is not of the form key or key=number")
            }
            guard pair.count == 2 else {
                fields[String(key)] = 0
                continue
            }
            guard let number = Int(pair[1]) else {
                throw ValidationError("--flow: \"\(part)\": \"\(pair[1])\" is not a number")
            }
            fields[String(key)] = number
        }
        return fields
    }

    private static let known: Set<String> = [
        "ipv6", "icmp", "icmpv6", "tcp", "udp", "tcp_src", "tcp_dst", "tcp_flags", "udp_src",
        "udp_dst",
    ]

    /// The packet that the text describes; unknown keys are warned of and ignored.
    static func packet(_ text: String) throws -> Packet {
        let fields = try fields(text)
        for key in fields.keys.sorted() where !known.contains(key) {
            Output.warning("--flow: unknown key \"\(key)\" is ignored")
        }
        var number: Int?
        var header = TransportHeader()
        if fields["icmp"] != nil { number = 1 }
        if fields["icmpv6"] != nil { number = 58 }
        if fields["tcp"] != nil {
            number = 6
            header.tcp = TCPHeader()
        }
        if fields["udp"] != nil {
            number = 17
            header.udp = UDPHeader()
        }
        if let port = fields["tcp_src"] {
            header.tcp = header.tcp ?? .init(); header.tcp?.srcPort = port
        }
        if let port = fields["tcp_dst"] {
            header.tcp = header.tcp ?? .init(); header.tcp?.dstPort = port
        }
        if let flags = fields["tcp_flags"] {
            header.tcp = header.tcp ?? .init(); header.tcp?.flags = flags
        }
        if let port = fields["udp_src"] {
            header.udp = header.udp ?? .init(); header.udp?.srcPort = port
        }
        if let port = fields["udp_dst"] {
            header.udp = header.udp ?? .init(); header.udp?.dstPort = port
        }
        let isIPv6 = fields["ipv6"] != nil || fields["icmpv6"] != nil
        return Packet(
            ipHeader: isIPv6 ? nil : IPHeader(protocol: number),
            ipv6Header: isIPv6 ? IPv6Header(nextHeader: number) : nil, transportHeader: header)
    }
}
