import API
import ArgumentParser
import Cluster
import Foundation
import Traceflow
import Worker

/// Reachability of many pairs.
struct Matrix: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which Pods reach which: computed, or as a sweep found out.",
        subcommands: [MatrixShow.self, MatrixDiff.self], defaultSubcommand: MatrixShow.self)
}

/// The matrix itself; what `matrix` does without a further word.
struct MatrixShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show which Pods reach which (the default).",
        discussion: """
            With the name of a sweep: what its traces found out. Without: what the cluster's \
            policies say, computed at once and without traces.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, csv, json, jsonl, svg, html
    }

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var asked: MatrixOptions

    @Argument(help: "A sweep's name or number, to show what it found out.")
    var sweep: String?

    @Flag(
        help: """
            List the pairs of the sweep that the cluster's model answers differently; exit status \
            1 when there are any.
            """)
    var compare = false

    @Option(
        parsing: .unconditional,
        help: "Show the sweep as it was then: RFC 3339, or -2h for two hours ago.")
    var at: MomentArgument?

    @Option(
        help: "Ask only these: a JSON array of [source, destination, protocol, port], or -.",
        completion: .file(extensions: ["json"]))
    var pairs: String?

    @Flag(help: "Add the deciding policies and rules of each direction.")
    var why = false

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .table

    func validate() throws {
        if sweep != nil {
            guard asked.ports.isEmpty, pairs == nil, asked.from == nil, asked.to == nil, !why else {
                throw ValidationError(
                    "a sweep's matrix is shown as it was asked for: without --ports, --pairs,"
                        + " --from, --to and --why")
            }
            return
        }
        if compare { throw ValidationError("--compare is for the matrix of a sweep") }
        try cluster.refuseBoth(at)
        if asked.ports.isEmpty == (pairs == nil) {
            throw ValidationError("give either --ports tcp/80,… or --pairs FILE")
        }
        if pairs != nil, output == .svg || output == .html {
            throw ValidationError("pictures show whole matrices: use --ports, not --pairs")
        }
    }

    func run() throws {
        if let sweep { return try show(sweep) }
        let model = try cluster.model(log, at: at)
        if let pairs {
            let answers = try PairFile.read(pairs).map {
                try model.answer($0, prefersV6: asked.prefersV6)
            }
            printAnswers(answers)
            return
        }
        let matrix = try asked.matrix(model, hasReasons: output == .html)
        switch output {
        case .table where why, .csv where why: printAnswers(try answers(matrix, model))
        case .table: Output.result(MatrixGrid.text(matrix))
        case .svg: Output.result(MatrixDrawing.svg(matrix))
        case .html: Output.result(MatrixPage.html(matrix))
        case .csv, .json, .jsonl:
            try MatrixRows(format: output, hasWhy: why, prefersV6: asked.prefersV6)
                .print(matrix, model)
        }
    }

    private func show(_ sweep: String) throws {
        let moment = at?.moment(now: Clock.system.now())
        let found = try SweepMatrix(sweep, log.reading(), until: moment)
        if compare { return try printDisagreements(found) }
        let matrix = found.observed
        switch output {
        case .table: Output.result(MatrixGrid.text(matrix))
        case .svg: Output.result(MatrixDrawing.svg(matrix))
        case .html: Output.result(MatrixPage.html(matrix))
        case .csv, .json, .jsonl:
            try MatrixRows(
                format: output, hasWhy: false, prefersV6: found.entry.request.pairs.prefersV6
            ).print(matrix, found.finder.cluster)
        }
    }

    private func printDisagreements(_ found: SweepMatrix) throws {
        let differences = try Disagreement.all(of: found.observed, with: found.computed())
        Output.result(Disagreement.text(differences, output))
        if !differences.isEmpty { throw CommandFailure.no }
    }

    private func answers(_ matrix: Reachability, _ model: Cluster) throws -> [PairAnswer] {
        try matrix.sources.indices.flatMap { from in
            try MatrixRows.questions(matrix, from).map {
                try model.answer($0, prefersV6: asked.prefersV6)
            }
        }
    }

    private func printAnswers(_ answers: [PairAnswer]) {
        switch output {
        case .json:
            var ports: [String] = []
            for answer in answers {
                let port = "\(answer.question.protocol)/\(answer.question.port)"
                if !ports.contains(port) { ports.append(port) }
            }
            Output.result(MatrixRows.head(ports))
            for (number, answer) in answers.enumerated() {
                Output.result(
                    (number > 0 ? "," : "") + PairPrinter.value(answer, hasWhy: why).compactJSON)
            }
            Output.result("]}\n")
        case .jsonl:
            Output.result(
                answers.map { PairPrinter.value($0, hasWhy: why).compactJSON + "\n" }.joined())
        case .csv: Output.result(PairPrinter.csv(answers, hasWhy: why))
        case .table, .svg, .html: Output.result(PairPrinter.table(answers, hasWhy: why))
        }
    }
}

/// What a matrix is asked about.
struct MatrixOptions: ParsableArguments {
    @Option(
        name: .customLong("ports"), help: "Ports to ask about: tcp/80,udp/53,sctp/9.",
        transform: { try $0.split(separator: ",").map { try PortText.parse(String($0)) } })
    var ports: [Reachability.Port] = []

    @Option(
        help: ArgumentHelp(
            "Only from Pods that the selector selects: app=web,metadata.namespace=shop.",
            valueName: "selector"))
    var from: String?

    @Option(
        help: ArgumentHelp("Only to Pods that the selector selects.", valueName: "selector"))
    var to: String?

    @Option(help: "What Pods with addresses of both families are asked about in: ipv4 or ipv6.")
    var family: FamilyChoice = .ipv4

    enum FamilyChoice: String, CaseIterable, ExpressibleByArgument { case ipv4, ipv6 }

    var prefersV6: Bool { family == .ipv6 }

    func matrix(_ model: Cluster, hasReasons: Bool) throws -> Reachability {
        let left = model.podsLeftOut
        if !left.isEmpty { Output.warning("left out: " + left.joined(separator: ", ")) }
        return try model.reachability(
            from: try from.map { try model.matrixPods(matching: $0) },
            to: try to.map { try model.matrixPods(matching: $0) }, on: ports,
            prefersV6: prefersV6, hasReasons: hasReasons)
    }
}

extension ClusterOptions {
    func refuseBoth(_ at: MomentArgument?) throws {
        if at != nil, isGiven {
            throw ValidationError(
                "--at is for the cluster that was recorded, and --cluster or --backend another"
            )
        }
    }

    /// The cluster that is asked: the one given, or the one last recorded, or recorded then.
    func model(_ log: LogOptions, at: MomentArgument? = nil) throws -> Cluster {
        if let at {
            let (log, moment) = (try log.reading(), at.moment(now: Clock.system.now()))
            let past = ClusterPast(log: log, history: try HistoryReading.caughtUp(log))
            guard let resources = try past.resources(at: moment) else {
                throw CommandFailure("no cluster was recorded until \(moment.text)")
            }
            return try Cluster(resources)
        }
        if !isGiven {
            guard let log = try log.existing(), let latest = try ClusterReading.latest(log) else {
                throw CommandFailure(
                    "no cluster: say which with --cluster PATH", status: CommandFailure.usage)
            }
            return latest
        }
        let cluster = try Cluster(resources())
        try report(cluster)
        return cluster
    }
}
