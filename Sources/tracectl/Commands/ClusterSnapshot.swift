import API
import ArgumentParser
import Cluster
import Foundation
import Worker

/// Writes a cluster as manifests.
struct ClusterSnapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Write a cluster as manifests: the real one, or one that was recorded.",
        discussion: """
            With --backend kubernetes the cluster as it is now; else the one that was recorded \
            last, or at a moment. Only what decides where packets go is written.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case yaml, json }

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions

    @Option(help: "The cluster as it was known at a moment: RFC 3339, or -2h.")
    var at: MomentArgument?

    @Option(name: .shortAndLong, help: "How to write.")
    var output: Format = .yaml

    @Option(
        help: ArgumentHelp(
            "Write a file for each kind into this folder, instead of to standard output.",
            valueName: "folder"), completion: .directory)
    var to: String?

    func validate() throws { try cluster.refuseBoth(at) }

    func run() throws {
        let resources = try resources().sorted {
            ($0.kind, $0.namespace ?? "", $0.name) < ($1.kind, $1.namespace ?? "", $1.name)
        }
        guard !resources.isEmpty else {
            throw CommandFailure(
                "no cluster: say which with --backend kubernetes or --cluster PATH",
                status: CommandFailure.usage)
        }
        guard let to else { return Output.result(text(resources)) }
        do {
            try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
            let kinds = Dictionary(grouping: resources, by: Self.fileName)
            for (kind, group) in kinds.sorted(by: { $0.key < $1.key }) {
                let file = "\(to)/\(kind).\(output.rawValue)"
                try text(group).write(toFile: file, atomically: true, encoding: .utf8)
                Output.note("\(file): \(counted(group.count, "object"))")
            }
        } catch {
            throw CommandFailure(
                "\(to): cannot be written: \(error.localizedDescription)",
                status: CommandFailure.system)
        }
    }

    private func resources() throws -> [Resource] {
        if cluster.isGiven { return try cluster.resources() }
        let log = try log.reading()
        guard let at else { return try ClusterStore(log: log).latestResources() }
        let past = ClusterPast(log: log, history: try HistoryReading.caughtUp(log))
        let moment = at.moment(now: Clock.system.now())
        guard let resources = try past.resources(at: moment) else {
            throw CommandFailure("no cluster was recorded until \(moment.text)")
        }
        return resources
    }

    private func text(_ resources: [Resource]) -> String {
        let values = resources.map { OutputValue($0.value, hiding: []) }
        switch output {
        case .yaml: return values.map { $0.yaml }.joined(separator: "---\n")
        case .json: return OutputValue.resources(values, isList: true).json
        }
    }

    /// `networkpolicy.networking.k8s.io`, as kubectl names kinds of groups.
    private static func fileName(_ resource: Resource) -> String {
        let parts = resource.apiVersion.split(separator: "/")
        let kind = resource.kind.lowercased()
        return parts.count == 2 ? "\(kind).\(parts[0])" : kind
    }
}
