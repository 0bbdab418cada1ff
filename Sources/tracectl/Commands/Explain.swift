import API
import ArgumentParser
import Cluster
import Foundation
import Traceflow

/// Why one pair may or may not speak.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say which policies decide whether a pair of Pods may speak.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions

    @Argument(help: "namespace/pod, or ip:ADDRESS.")
    var source: String

    @Argument(help: "namespace/pod, or ip:ADDRESS.")
    var destination: String

    @Argument(help: "As tcp/80; icmp for an echo request.")
    var port: String

    @Option(help: "What Pods with addresses of both families are asked about in: ipv4 or ipv6.")
    var family: MatrixOptions.FamilyChoice = .ipv4

    @Option(
        parsing: .unconditional,
        help: "Of the cluster as it was recorded then: RFC 3339, or -2h for two hours ago.")
    var at: MomentArgument?

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .text

    func validate() throws { try cluster.refuseBoth(at) }

    func run() throws {
        let port =
            port.lowercased() == "icmp"
            ? Reachability.Port(protocol: "ICMP", number: 0) : try PortText.parse(port)
        let model = try cluster.model(log, at: at)
        let answer = try model.answer(
            PairQuestion(
                source: source, destination: destination, protocol: port.protocol,
                port: port.number), prefersV6: family == .ipv6)
        switch output {
        case .json: Output.result(PairPrinter.value(answer, hasWhy: true).json)
        case .text: Output.result(PairPrinter.words(answer))
        }
    }
}
