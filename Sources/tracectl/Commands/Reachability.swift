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

    @Argument(help: "As tcp/80.")
    var port: String

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .text

    func run() throws {
        let (name, number) = try PortText.parse(port)
        let model = try Matrix.model(cluster, log)
        let answer = try model.answer(
            PairQuestion(source: source, destination: destination, protocol: name, port: number))
        switch output {
        case .json: Output.result(PairPrinter.value(answer, hasWhy: true).json)
        case .text: Output.result(PairPrinter.words(answer))
        }
    }
}

/// Computed reachability of many pairs.
struct Matrix: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compute which Pods may reach which, without tracing.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, csv, json, jsonl }

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions

    @Option(help: "Ports to ask about: tcp/80,udp/53,sctp/9.")
    var ports: String?

    @Option(
        help: "Ask only these: a JSON array of [source, destination, protocol, port], or -.",
        completion: .file(extensions: ["json"]))
    var pairs: String?

    @Flag(help: "Add the deciding policies and rules of each direction.")
    var why = false

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .table

    func validate() throws {
        if (ports == nil) == (pairs == nil) {
            throw ValidationError("give either --ports tcp/80,… or --pairs FILE")
        }
        if let ports { _ = try ports.split(separator: ",").map { try PortText.parse(String($0)) } }
    }

    func run() throws {
        let model = try Self.model(cluster, log)
        let questions = try self.questions(model)
        let answers = try questions.map { try model.answer($0) }
        switch output {
        case .json:
            var ports: [OutputValue] = []
            for question in questions {
                let port = OutputValue.string("\(question.protocol)/\(question.port)")
                if !ports.contains(port) { ports.append(port) }
            }
            Output.result(
                OutputValue.map([
                    .init(key: "ports", value: .list(ports)),
                    .init(
                        key: "pairs",
                        value: .list(answers.map { PairPrinter.value($0, hasWhy: why) })),
                ]).compactJSON + "\n")
        case .jsonl:
            Output.result(
                answers.map { PairPrinter.value($0, hasWhy: why).compactJSON + "\n" }.joined())
        case .csv: Output.result(PairPrinter.csv(answers))
        case .table: Output.result(PairPrinter.table(answers))
        }
    }

    /// The cluster that is asked: the one given, or the one last recorded.
    static func model(_ options: ClusterOptions, _ log: LogOptions) throws -> Cluster {
        if options.given.isEmpty {
            guard let log = try log.existing(), let latest = try ClusterReading.latest(log) else {
                throw CommandFailure(
                    "no cluster: say which with --cluster PATH", status: CommandFailure.usage)
            }
            return latest
        }
        let cluster = try Cluster(options.resources())
        try options.report(cluster)
        return cluster
    }

    private func questions(_ cluster: Cluster) throws -> [PairQuestion] {
        if let pairs { return try PairFile.read(pairs) }
        let asked = try (ports ?? "").split(separator: ",").map { try PortText.parse(String($0)) }
        let pods = cluster.matrixPods
        let left = cluster.podsLeftOut
        if !left.isEmpty { Output.warning("left out: " + left.joined(separator: ", ")) }
        return pods.flatMap { source in
            pods.filter { $0 != source }.flatMap { destination in
                asked.map {
                    PairQuestion(
                        source: source, destination: destination, protocol: $0.name, port: $0.number
                    )
                }
            }
        }
    }
}

/// `tcp/80`.
enum PortText {
    static func parse(_ text: String) throws -> (name: String, number: Int) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, ["tcp", "udp", "sctp"].contains(parts[0].lowercased()),
            let number = Int(parts[1]), (1...65535).contains(number)
        else { throw ValidationError("\"\(text)\" is not a port such as tcp/80, udp/53 or sctp/9") }
        return (parts[0].uppercased(), number)
    }
}

/// The file of `--pairs`.
enum PairFile {
    static func read(_ path: String) throws -> [PairQuestion] {
        let data =
            path == "-"
            ? FileHandle.standardInput.readDataToEndOfFile()
            : FileManager.default.contents(atPath: path)
        guard let data else { throw CommandFailure("\(path): the file cannot be read") }
        let rows: [Any]
        do {
            rows = try JSONSerialization.jsonObject(with: data) as? [Any] ?? []
        } catch {
            throw CommandFailure("\(path): not JSON: \(error.localizedDescription)")
        }
        return try rows.enumerated().map { index, row in
            guard let row = row as? [Any], row.count >= 4, let source = row[0] as? String,
                let destination = row[1] as? String, let name = row[2] as? String,
                let port = row[3] as? Int
            else {
                throw CommandFailure(
                    "\(path): pair \(index + 1): expected [source, destination, protocol, port]")
            }
            return PairQuestion(
                source: source, destination: destination, protocol: name, port: port)
        }
    }
}
