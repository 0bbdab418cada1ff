import API
import ArgumentParser
import Cluster
import Foundation
import JobLog
import Scheduler
import Traceflow
import Worker

/// Captures the first packets of a Pod's interface, in the words of `antctl packetcapture`.
struct PacketCaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packetcapture",
        abstract: "Capture the first packets that a Pod sends or gets, in antctl's words.",
        discussion: """
            Waits for the packets, and writes them to NAME.pcapng; what was seen before the time \
            ran out is written too (exit status 1). The capture stays in the log: \
            `tracectl get packetcapture`, `tracectl capture show packetcapture/NAME`.
            """, aliases: ["pc", "packetcaptures"])

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions

    @Option(
        name: .customLong("traffic"),
        help: "A pcap or pcapng file with what the Pods really send (repeatable).",
        completion: .file(extensions: ["pcap", "pcapng"]))
    var traffic: [String] = []

    @Option(name: [.customShort("S"), .long], help: "Source: [namespace/]pod, or an IP address.")
    var source: String?

    @Option(
        name: [.customShort("D"), .long], help: "Destination: [namespace/]pod, or an IP address.")
    var destination: String?

    @Option(name: .shortAndLong, help: "How many packets.")
    var number = 1

    @Option(
        name: .shortAndLong,
        help: "Which packets: tcp,tcp_dst=80,tcp_flags=+syn-ack and the like (antctl's keys).")
    var flow: String?

    @Option(
        name: [.customShort("p"), .customLong("capture-point")], help: "Source or Destination.")
    var point: CaptureRequest.Point?

    @Option(
        name: .shortAndLong, help: "SourceToDestination (the default), DestinationToSource or Both."
    )
    var direction: CaptureRequest.Direction?

    @Option(name: .shortAndLong, help: "How long to wait, at most 5m.")
    var timeout: Duration64?

    @Option(name: .shortAndLong, help: "The folder to write to.", completion: .directory)
    var outputDir = "."

    @OptionGroup(title: "File servers") var remote: RemoteOptions

    @Flag(help: "Record the capture and do not wait for it.")
    var nowait = false

    private static let timeoutMax: Int64 = 300_000_000

    func validate() throws { _ = try spec() }

    /// The spec that the flags say.
    func spec() throws -> PacketCaptureSpec {
        guard source != nil || destination != nil else {
            throw ValidationError("a source or a destination is needed: -S or -D [namespace/]pod")
        }
        guard number > 0 else { throw ValidationError("--number must be more than 0") }
        if let timeout, timeout.microseconds > Self.timeoutMax || timeout.microseconds < 1_000_000 {
            throw ValidationError("--timeout must be between 1s and 5m")
        }
        var spec = PacketCaptureSpec(
            source: source.map(Self.endpoint), destination: destination.map(Self.endpoint),
            firstN: number, direction: direction, capturePoint: point,
            timeout: timeout.map { Int($0.microseconds / 1_000_000) })
        if spec.source?.pod == nil, spec.destination?.pod == nil {
            throw ValidationError("one of -S and -D must be a Pod")
        }
        if point == .source, spec.source?.pod == nil {
            throw ValidationError("--capture-point Source needs a source Pod (-S)")
        }
        if point == .destination, spec.destination?.pod == nil {
            throw ValidationError("--capture-point Destination needs a destination Pod (-D)")
        }
        if point == .both { throw ValidationError("--capture-point is Source or Destination") }
        spec.packet = try flow.map(CaptureFlow.packet)
        let isV6 = [source, destination].contains { $0.flatMap { IPAddress($0) }?.family == .v6 }
        if isV6, flow == nil { spec.packet = PacketSelection(ipFamily: .v6) }
        if isV6 { spec.packet?.ipFamily = .v6 }
        return spec
    }

    private static func endpoint(_ text: String) -> PacketCaptureSpec.Endpoint {
        if IPAddress(text) != nil { return .init(ip: text) }
        let (namespace, name) = TraceForm.split(text)
        return .init(pod: .init(namespace: namespace, name: name))
    }

    func run() throws {
        let name = TraceForm.name(
            from: source, to: destination, suffix: nowait ? nil : TraceForm.suffix())
        let manifest = PacketCaptureManifest(name: name, spec: try spec(), file: "flags")
        let prepared = try PreparedRequests(
            cluster: cluster, traffic: traffic, log: log, manifest: manifest.traceflow)
        let log = try prepared.existing ?? log.creating()
        let store = ClusterStore(log: log)
        let start = try log.lastPosition()
        let recorded = try prepared.record(in: log, store)
        if nowait { return Output.result("PacketCapture Name: \(name)\n") }
        try TraceDrive(log: log, store: store, remote: remote, backend: cluster.backend,
            limits: .none)
            .run(recorded.map(\.id), after: start)
        let reader = TraceReader(log: log)
        let views = try recorded.map { try reader.view(ofHeld: $0.id) }
        for view in views {
            Output.result(PacketCapturePrinter.summary(view))
            guard !view.trace.captures.isEmpty else { continue }
            let file = outputDir + (outputDir.hasSuffix("/") ? "" : "/") + name + ".pcapng"
            try CaptureExport.export(
                CaptureChoice.asked(log, names: [view.name]), to: file, force: false)
        }
        if views.contains(where: { $0.trace.phase == .failed }) { throw CommandFailure.no }
    }
}
