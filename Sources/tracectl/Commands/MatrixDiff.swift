import ArgumentParser
import Cluster
import Foundation

/// What a change of manifests does to reachability; made for pull requests.
struct MatrixDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say which pairs of Pods open, close or change their deciding rule.",
        discussion: "Exit status 1 when any do.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, markdown }

    @Argument(help: "Manifests before: a file, a folder, or -.", completion: .file())
    var before: String

    @Argument(help: "Manifests after.", completion: .file())
    var after: String

    @OptionGroup var asked: MatrixOptions

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .table

    func validate() throws {
        if asked.ports.isEmpty { throw ValidationError("say for which ports: --ports tcp/80,…") }
    }

    func run() throws {
        let old = try matrix(before)
        let new = try matrix(after)
        note("gone", old, besides: new)
        note("new", new, besides: old)
        let differences = old.differences(to: new)
        switch output {
        case .table: Output.result(DifferencePrinter.table(differences))
        case .markdown: Output.result(DifferencePrinter.markdown(differences))
        case .json: Output.result(DifferencePrinter.value(differences).json)
        }
        if !differences.isEmpty { throw CommandFailure("", status: CommandFailure.refused) }
    }

    private func matrix(_ path: String) throws -> Reachability {
        let model = try Cluster(ManifestReader.read(path: path, standardInput: standardInput))
        for warning in model.warnings { Output.warning("\(warning)") }
        return try asked.matrix(model, hasReasons: true)
    }

    private func note(_ word: String, _ matrix: Reachability, besides other: Reachability) {
        let known = Set(other.sources + other.destinations)
        let pods = Set(matrix.sources + matrix.destinations).subtracting(known).sorted()
        if !pods.isEmpty { Output.warning("\(word) Pods: " + pods.joined(separator: ", ")) }
    }
}
