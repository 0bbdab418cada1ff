import ArgumentParser
import Foundation
import JobLog
import Traceflow
import Worker

/// Runs the six scenarios of Antrea's Traceflow guide.
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the six scenarios of Antrea's Traceflow guide on an embedded cluster.")

    @OptionGroup var printing: PrintOptions

    @Option(
        help: "Keep manifests, traffic and log in this folder.", completion: .directory)
    var keep: String?

    private struct Scenario {
        var file: String
        var about: String
        var bytes: [UInt8]
        /// Live traces keep the packets that they saw.
        var keepsPackets = false
    }

    private static let scenarios: [Scenario] = [
        Scenario(
            file: "1-same-node.yaml", about: "TCP to a Pod on the same node",
            bytes: PackageResources.scenario1_yaml),
        Scenario(
            file: "2-other-node.yaml", about: "TCP to a Pod on another node",
            bytes: PackageResources.scenario2_yaml),
        Scenario(
            file: "3-service.yaml", about: "TCP to a Service with two endpoints",
            bytes: PackageResources.scenario3_yaml),
        Scenario(
            file: "4-icmp-dropped.yaml", about: "ICMP, which a policy drops",
            bytes: PackageResources.scenario4_yaml),
        Scenario(
            file: "5-live.yaml", about: "the next real TCP connection",
            bytes: PackageResources.scenario5_yaml, keepsPackets: true),
        Scenario(
            file: "6-live-dropped.yaml", about: "the next real packet that is dropped",
            bytes: PackageResources.scenario6_yaml, keepsPackets: true),
    ]

    func run() throws {
        let folder = try keep ?? Self.temporaryFolder()
        defer { if keep == nil { try? FileManager.default.removeItem(atPath: folder) } }
        try Self.write(to: folder)
        let log = folder + "/log"
        let started = Clock.system.monotonicMicroseconds()
        for (number, scenario) in Self.scenarios.enumerated() {
            Output.result("\(number + 1). \(scenario.about)\n\n")
            var arguments = [
                "--log", log, "--cluster", folder + "/cluster.yaml", "--traffic",
                folder + "/traffic.pcap", "-f", folder + "/" + scenario.file,
            ]
            if scenario.keepsPackets {
                arguments += ["--capture", "10", "--snaplen", "256", "--capture-point", "Both"]
            }
            var run = try Run.parse(arguments)
            run.printing = printing
            try run.run()
            Output.result("\n")
        }
        let milliseconds = (Clock.system.monotonicMicroseconds() - started) / 1000
        Output.note("6 traces in \(milliseconds) ms, each step a durable event.")
        Output.note(advice(folder))
    }

    private func advice(_ folder: String) -> String {
        guard keep != nil else {
            return """
                Next: keep what the demo uses and try your own:
                  tracectl demo --keep demo
                """
        }
        return """
            Next, with what was kept in \(folder):
              tracectl describe --log \(folder)/log tf-pod1-to-svc
              tracectl get --log \(folder)/log -o wide
              tracectl capture show --log \(folder)/log
              tracectl run --log \(folder)/log -S pod1 -D pod3 --flow tcp,tcp_dst=443
              tracectl explain --cluster \(folder)/cluster.yaml default/pod1 default/pod3 tcp/443
            """
    }

    private static func temporaryFolder() throws -> String {
        let folder = NSTemporaryDirectory() + "tracectl-demo-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        return folder
    }

    private static func write(to folder: String) throws {
        let files =
            scenarios.map { (name: $0.file, bytes: $0.bytes) } + [
                ("cluster.yaml", PackageResources.cluster_yaml),
                ("traffic.pcap", PackageResources.traffic_pcap),
            ]
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            for (name, bytes) in files {
                try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
            }
        } catch {
            throw CommandFailure(
                "\(folder): the demo cannot be written there: \(error.localizedDescription)",
                status: CommandFailure.system)
        }
    }
}
