import API
import ArgumentParser
import Cluster
import Foundation
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Records Traceflows, runs them here to their end and prints them.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record Traceflows, run them to their end and print them.",
        discussion: """
            Either with manifests (-f), or in antctl's form: -S pod -D pod --flow tcp,tcp_dst=80. \
            Exit status 1 when a trace Failed or --expect was missed.
            """)

    @OptionGroup var log: LogOptions
    @OptionGroup var requests: RequestOptions
    @OptionGroup(title: "Limits on a real cluster") var limits: ClusterLimits
    @OptionGroup var printing: PrintOptions
    @OptionGroup var form: TraceForm
    @OptionGroup(title: "File servers of PacketCaptures") var remote: RemoteOptions

    @Option(name: .shortAndLong, help: "How to print the traces.")
    var output: TraceFormat = .tree

    @Option(help: "Fail unless the verdict is this: delivered, dropped, rejected, out, lost.")
    var expect: ExpectedVerdict?

    @Option(help: "Makes the choices of the embedded data plane repeatable.")
    var seed: UInt64?

    @Flag(help: "Record the trace and do not wait for it.")
    var nowait = false

    @Flag(
        help: """
            Hold each trace against the cluster's model; where they differ, show both paths and \
            fail.
            """)
    var compare = false

    @Flag(help: "Print what would be recorded and created, and do neither.")
    var dryRun = false

    @Flag(help: "Run traces again that finished before.")
    var again = false

    func validate() throws {
        if requests.files.isEmpty == !form.isGiven {
            throw ValidationError("give manifests with -f FILE, or a source with -S and -D")
        }
        if nowait, compare { throw ValidationError("--compare waits, and --nowait does not") }
    }

    func run() throws {
        let prepared = try PreparedRequests(
            requests, log: log, capture: form.capture.request
        ) { cluster in
            try form.isGiven ? [form.manifest(in: cluster, nowait: nowait)] : []
        }
        if prepared.requests.isEmpty {
            throw CommandFailure("no Traceflow or PacketCapture in the given files")
        }
        if let sweep = prepared.sweeps.first?.name {
            Output.warning("sweep \(sweep) is left out; use `tracectl sweep run -f` or `apply -f`")
        }
        if dryRun { return Output.result(DryRun.text(of: prepared.requests, output)) }
        let log = try prepared.existing ?? log.creating()
        let store = ClusterStore(log: log)
        let start = try log.lastPosition()
        let recorded = try prepared.record(in: log, store)
        if nowait {
            for trace in recorded { Output.result(QualifiedName.text(trace.name) + "\n") }
            return
        }
        try renew(recorded, log)
        try TraceDrive(
            log: log, store: store, seed: seed, remote: remote, backend: requests.cluster.backend,
            limits: limits
        ).run(recorded.map(\.id), after: start)
        let reader = TraceReader(log: log)
        let views = try recorded.map { try reader.view(ofHeld: $0.id) }
        Output.result(printing.printer(output).text(views, isList: false))
        if compare, try !ModelReport(store, prepared.clusterResources, printing).agrees(with: views)
        {
            throw CommandFailure.no
        }
        if views.contains(where: { $0.trace.phase == .failed }) { throw CommandFailure.no }
        if let expect, let missed = views.first(where: { !expect.isMet(by: $0.trace.verdict) }) {
            throw CommandFailure(
                "\(missed.name): expected \(expect.rawValue), and the verdict is"
                    + " \(missed.trace.verdict?.rawValue ?? "not known")")
        }
    }

    /// Notes what is finished already, or asks for another attempt of it.
    private func renew(_ recorded: [RequestRecorder.Recorded], _ log: JobLog) throws {
        let reader = TraceReader(log: log)
        for trace in recorded where !trace.isNew {
            let view = try reader.view(ofHeld: trace.id)
            guard view.trace.phase.isTerminal else { continue }
            if again {
                try ChangeRecorder(log: log).record(.retry, of: view.id)
            } else {
                Output.note("\(trace.name) has finished before; --again runs it once more")
            }
        }
    }
}

extension LogEventType {
    var endsAttempt: Bool {
        switch self {
        case .traceSucceeded, .traceTimedOut, .traceFailed: true
        case .traceRequested, .tagAllocated, .traceStarted, .nodeReported, .nodeFailed,
            .packetCaptured,
            .retryRequested, .cancelRequested, .traceDeleted, .metadataChanged, .captureArchived,
            .capturesExported,
            .capturesPruned, .captureFilePushed, .captureFileDropped, .captureUploaded,
            .scheduleChanged, .schedulePaused,
            .scheduleResumed, .scheduleDeleted, .scheduleRunRequested, .slotFired, .slotMissed,
            .probeBroken, .probeHealthy, .pathChanged, .notificationDelivered, .sweepRequested,
            .sweepExpanded,
            .sweepFinished, .sweepCancelled, .clusterObserved, .logCreated, .deciderTookOver,
            .tagProfileChanged, .segmentSealed, .checkpoint, .segmentArchived, .segmentRestored,
            .segmentDropped:
            false
        }
    }
}

/// What `--expect` can say.
enum ExpectedVerdict: String, CaseIterable, ExpressibleByArgument {
    case delivered, dropped, rejected, out, lost

    func isMet(by verdict: Verdict?) -> Bool {
        switch self {
        case .delivered: verdict == .delivered
        case .dropped: verdict == .dropped
        case .rejected: verdict == .rejected
        case .out: verdict == .forwardedOutOfNetwork
        case .lost: verdict == .lost
        }
    }
}

/// Ctrl-C and SIGTERM as a call, so that work can end in order.
final class Interrupt {
    private let sources: [any DispatchSourceSignal]

    init(_ signals: [Int32] = [SIGINT, SIGTERM], _ action: @escaping @Sendable () -> Void) {
        sources = signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(
                signal: number, queue: .global(qos: .userInitiated))
            source.setEventHandler(handler: DispatchWorkItem { action() })
            source.resume()
            return source
        }
    }

    func cancel() { for source in sources { source.cancel() } }
}
