import API
import ArgumentParser
import Captures
import History
import JobLog
import TraceLog
import Traceflow
import Worker

/// Gives up the oldest captures.
struct CapturePrune: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Give up the oldest captures, by age, size or number.",
        discussion: """
            Captures share files: a capture is gone for every command at once, and says so; its \
            bytes go with the last capture of its file. The log keeps which captures there were. \
            `tracectl worker --prune-captures-after 30d` does it by itself.
            """)

    @OptionGroup var log: LogOptions

    @Option(help: ArgumentHelp("Those that are older (30d, 12h).", valueName: "age"))
    var olderThan: Duration64?

    @Option(
        help: ArgumentHelp(
            "The oldest files, until the archive has no more bytes (10GiB).", valueName: "size"))
    var maxSize: ByteSize?

    @Option(help: ArgumentHelp("The oldest, until there are no more.", valueName: "number"))
    var maxCount: Int?

    @Flag(help: "Say what would go, and do nothing.")
    var dryRun = false

    func validate() throws {
        if policy.isEmpty {
            throw ValidationError("say which: --older-than AGE, --max-size SIZE or --max-count N")
        }
        if let maxCount, maxCount < 0 {
            throw ValidationError("--max-count must be at least 0")
        }
    }

    private var policy: CapturePruning {
        CapturePruning(
            ageMicroseconds: olderThan?.microseconds, bytesMax: maxSize?.bytes, countMax: maxCount)
    }

    func run() throws {
        let log = try dryRun ? log.reading() : log.writing()
        let history = try HistoryReading.caughtUp(log)
        let pruner = CapturePruner(log: log, book: try CaptureBook(log: log, history: history))
        let outlook = try pruner.outlook(of: policy, at: Clock.system.now())
        if dryRun {
            guard let outlook else { return Output.result("nothing would be pruned\n") }
            return Output.result(
                "would prune \(Self.words(outlook.plan)), and free "
                    + "\(Self.words(outlook.files))\n")
        }
        if let outlook { try pruner.record(outlook, policy) }
        let (removed, busy) = try CapturePruner(
            log: log, book: CaptureBook(log: log, history: HistoryReading.caughtUp(log))
        ).sweepUp()
        if outlook == nil, removed.isEmpty { return Output.result("nothing to prune\n") }
        let what = outlook.map { "pruned " + Self.words($0.plan) + ", " } ?? ""
        Output.result(what + "freed " + Self.words(removed) + "\n")
        for file in busy {
            Output.note(
                "captures/\(file.name) is still added to; it goes once its writer has another file")
        }
    }

    private static func words(_ plan: CapturePruning.Plan) -> String {
        counted(plan.captures, "capture") + " of " + counted(plan.packets, "packet")
    }

    private static func words(_ files: [CaptureFolder.File]) -> String {
        counted(Int(files.reduce(0) { $0 + $1.bytes }), "byte") + " in "
            + counted(files.count, "file")
    }
}

/// Which captures a worker gives up by itself.
struct StandingPruneOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Give up captures that are older (30d, 12h).", valueName: "age"))
    var pruneCapturesAfter: Duration64?

    @Option(
        help: ArgumentHelp(
            "Give up the oldest captures when their files have more bytes (10GiB).",
            valueName: "size"))
    var capturesMaxSize: ByteSize?

    @Option(
        help: ArgumentHelp(
            "Give up the oldest captures when there are more.", valueName: "number"))
    var capturesMaxCount: Int?

    func validate() throws {
        if let capturesMaxCount, capturesMaxCount < 0 {
            throw ValidationError("--captures-max-count must be at least 0")
        }
    }

    var policy: CapturePruning {
        CapturePruning(
            ageMicroseconds: pruneCapturesAfter?.microseconds, bytesMax: capturesMaxSize?.bytes,
            countMax: capturesMaxCount)
    }
}
