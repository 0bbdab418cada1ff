import API
import ArgumentParser
import Cluster
import Foundation

/// What is asked of a cluster as a whole.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Look at a cluster as a whole.",
        subcommands: [ClusterCheck.self, ClusterSnapshot.self])
}

/// Looks for what is allowed, and hardly meant.
struct ClusterCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Find policies, rules and Services that can have no effect.",
        discussion: """
            Policies applied to nobody, peers that are nobody, named ports that no Pod has, rules \
            that earlier ones leave nothing to decide, Services with nobody behind them. Exit \
            status 1 when anything is found.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .text

    func run() throws {
        let findings = try cluster.model(log).findings()
        switch output {
        case .text:
            Output.result(
                findings.isEmpty
                    ? "nothing found\n" : findings.map { printable("\($0)") + "\n" }.joined())
        case .json:
            let values = findings.map { finding in
                OutputValue.map([
                    .init(key: "code", value: .string(finding.code.rawValue)),
                    .init(key: "object", value: .string(finding.object)),
                    .init(key: "file", value: .string(finding.file)),
                    .init(key: "line", value: .int(finding.line)),
                    .init(key: "message", value: .string(finding.message)),
                ])
            }
            Output.result(
                OutputValue.map([.init(key: "findings", value: .list(values))]).json)
        }
        if !findings.isEmpty { throw CommandFailure("", status: CommandFailure.refused) }
    }
}
