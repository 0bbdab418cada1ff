import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// The rules of one sweep, said a second time and more simply.
struct SweepStory {
    var request: SweepRequest
    var expanded: Int64 = 0
    var open = 0
    var tally = SweepTally()
    var isCancelled = false
    var isFinished = false
    /// The last end, which a retry takes back.
    private var lastEnd: TraceEvent?

    init(_ request: SweepRequest) { self.request = request }

    mutating func end(_ event: TraceEvent) {
        open -= 1
        tally.add(event)
        lastEnd = event
    }

    mutating func retry() {
        open += 1
        if let lastEnd { tally.remove(lastEnd) }
    }
}

extension Ledger {
    mutating func take(_ event: SweepEvent, _ row: EventRow, by author: Author?) throws {
        if case .requested(let request) = event {
            guard row.version == 1 else {
                throw Violation("sweep \(row.stream) was asked for twice")
            }
            sweeps[row.stream] = SweepStory(request)
            tally.sweeps += 1
            return
        }
        guard var story = sweeps[row.stream], !story.isFinished, !story.isCancelled else {
            throw Violation("event \(row.position): sweep \(row.stream) is over or unknown")
        }
        switch event {
        case .requested: break
        case .expanded(let first, let count):
            try checkMayDecide(author)
            guard first == story.expanded, count > 0, first + Int64(count) <= story.request.total,
                story.open + count <= story.request.openMax ?? .max
            else { throw Violation("event \(row.position): \(event) after \(story)") }
            story.expanded += Int64(count)
            expected = (row.stream, first, count)
        case .finished(let tally):
            try checkMayDecide(author)
            guard story.expanded == story.request.total, story.open == 0, story.tally == tally,
                tally.ended == Int(story.request.total)
            else { throw Violation("event \(row.position): \(event) after \(story)") }
            story.isFinished = true
        case .cancelled: story.isCancelled = true
        }
        sweeps[row.stream] = story
    }

    /// Members follow the event that speaks of them, with nothing between.
    func checkExpected(_ event: LogEvent, _ row: EventRow) throws {
        guard let expected else { return }
        if case .trace(.requested(let request)) = event,
            request.naming == .member(sweep: expected.sweep, number: expected.next)
        {
            return
        }
        throw Violation("event \(row.position): a member of sweep \(expected.sweep) is missing")
    }

    mutating func takeMember(_ name: TraceName, _ row: EventRow) throws {
        guard case .member(let sweep, _) = name, sweeps[sweep] != nil else { return }
        guard let wanted = expected else {
            throw Violation("event \(row.position): a member that nobody asked for")
        }
        sweeps[sweep]?.open += 1
        expected = wanted.left > 1 ? (sweep, wanted.next + 1, wanted.left - 1) : nil
        tally.members += 1
    }

    /// Whether everything that was asked for has come to its end.
    var isQuiet: Bool {
        openCount == 0
            && sweeps.values.allSatisfy { $0.open == 0 && ($0.isFinished || $0.isCancelled) }
    }

    func isOfCancelledSweep(_ story: Story) -> Bool {
        story.facts.sweep.flatMap { sweeps[$0.rawValue]?.isCancelled } ?? false
    }

    func checkSweepsAreOver() throws {
        for (id, story) in sweeps {
            guard story.open == 0, story.isFinished || story.isCancelled else {
                throw Violation("sweep \(id) has not come to its end: \(story)")
            }
        }
    }
}

/// What sweeps are made of here: pairs of the simulated nodes in turn.
struct SimulatedSweeps: SweepExpanding {
    private let nodes: Int

    init(_ nodes: Int) { self.nodes = nodes }

    func prepare(_ id: SweepID, _ request: SweepRequest) throws {
        guard request.clusterDigest.isEmpty else { throw WorkerError("no such cluster") }
    }

    func members(
        _ range: Range<Int64>, of id: SweepID, _ request: SweepRequest, _ coding: TraceCoding
    ) throws -> [DraftedMember] {
        try prepare(id, request)
        return try range.map { number in
            let source = "n\(Int(number) % nodes)"
            let target = "n\(Int(number) / nodes % nodes)"
            var member = TraceRequest(
                name: "", apiVersion: .v1beta1,
                spec: TraceflowSpec(
                    source: .init(namespace: "t", pod: source),
                    destination: .init(namespace: "t", pod: target),
                    timeout: request.timeoutSeconds), priority: request.priority,
                retries: request.retries, scope: .of([source, target]))
            member.naming = .member(sweep: id.rawValue, number: number)
            return DraftedMember(
                number: number, symbols: try coding.symbols(of: member), facts: member.facts)
        }
    }

    func keep(_ alive: some Collection<SweepID>) {}
}

extension Simulation {
    func askForSweep(_ client: Client, _ log: JobLog, _ coding: TraceCoding) throws {
        let total = Int64(load.below(load.happens(200) ? 400 : 60))
        let request = SweepRequest(
            pairs: SweepPairs(ports: [.init(protocol: "TCP", number: 80)]),
            priority: load.below(10), retries: load.happens(600) ? 0 : load.below(3),
            timeoutSeconds: 1 + load.below(8),
            openMax: load.happens(500) ? nil : 1 + load.below(30),
            intervalMicroseconds: load.happens(500) ? nil : Int64(1 + load.below(600_000)),
            // One in fifty is of a cluster that nobody knows any more.
            clusterDigest: load.happens(20) ? [1] : [], total: total, cells: total)
        narrator.say("\(client.name) asks for a sweep of \(total)")
        let draft = try coding.draft(.sweep(.requested(request)), stream: .new(0))
        let appended = try log.append(
            AppendRequest(newStreams: [NewStream(family: "sweep")], drafts: [draft]))
        witness.acknowledge([draft], at: appended.positions, streams: appended.streams)
        knownSweeps.append(appended.streams[0])
    }

    func cancelSweep(_ client: Client, _ log: JobLog) throws {
        guard !knownSweeps.isEmpty else { return }
        let id = knownSweeps[knownSweeps.count - 1 - load.below(min(3, knownSweeps.count))]
        narrator.say("\(client.name) asks to cancel sweep \(id)")
        _ = try SweepBook(log: log).cancel(SweepID(id))
    }
}
