/// Tells from the dump of a whole log, and from nothing else, whether all promises were kept.
///
/// It shares no code with the product: rules that both had wrong would pass.
struct Checker {
    /// What was found, to be printed.
    struct Findings: Equatable {
        var events = 0
        var traces = 0
        var attempts = 0
        var takeovers = 0
        var deciders = 0
        var segments = 1
        var lateReports = 0
        var captures = 0
        var succeeded = 0
        var failed = 0
    }

    struct TraceState {
        enum Phase { case pending, running, ended }
        var name: String
        var position: Int
        var phase = Phase.pending
        var attempt = 1
        var tag: Int?
        var isDeleted = false
        /// How often each kind of event occurred, to hold promises against.
        var counts: [String: Int] = [:]
    }

    var findings = Findings()
    private var traces: [Int: TraceState] = [:]
    private var streams: [String: [Int]] = [:]
    private var holders: [Int: [(stream: Int, nodes: [String])]] = [:]
    private var epoch = 0
    private let ledger: Ledger

    init(ledger: Ledger) { self.ledger = ledger }

    /// Throws the first violation. `isOver` says that every trace must have ended.
    static func check(
        _ events: [LoggedEvent], _ ledger: Ledger, isOver: Bool = true
    ) throws -> Findings {
        var checker = Checker(ledger: ledger)
        try checker.checkOrder(events)
        for event in events { try checker.take(event) }
        if isOver { try checker.checkEnds() }
        try checker.checkPromises()
        try checker.checkBatches()
        return checker.findings
    }

    // MARK: the log

    private mutating func checkOrder(_ events: [LoggedEvent]) throws {
        var versions: [Int: Int] = [:]
        var moment = ""
        for (index, event) in events.enumerated() {
            guard event.position == index + 1 else {
                throw Violation("event \(event.position) stands where \(index + 1) should")
            }
            let expected = versions[event.stream, default: 0] + 1
            guard event.version == expected else {
                throw Violation(
                    "event \(event.position): version \(event.version) of stream \(event.stream)"
                        + ", expected \(expected)")
            }
            guard event.recordedAt >= moment else {
                throw Violation("event \(event.position): recorded before the one before it")
            }
            versions[event.stream] = expected
            moment = event.recordedAt
        }
        findings.events = events.count
    }

    private mutating func take(_ event: LoggedEvent) throws {
        switch event.type {
        case "DeciderTookOver":
            guard let epoch = event.epoch, epoch > self.epoch else {
                throw Violation(
                    "event \(event.position): epoch \(event.epoch ?? 0) after \(self.epoch)")
            }
            self.epoch = epoch
            findings.deciders += 1
        case "SegmentSealed": findings.segments += 1
        case "LogCreated", "TagProfileChanged", "Checkpoint", "ClusterObserved": break
        case "SegmentArchived", "SegmentRestored", "CapturesExported": break
        case "TraceRequested": try request(event)
        default:
            guard var trace = traces.removeValue(forKey: event.stream) else {
                throw Violation("event \(event.position): \(event.type) of no trace")
            }
            trace.counts[event.type, default: 0] += 1
            try take(event, &trace)
            traces[event.stream] = trace
        }
    }

    private mutating func request(_ event: LoggedEvent) throws {
        guard let name = event.name, ledger.questions[name] != nil else {
            throw Violation("event \(event.position): nobody asked for \(event.name ?? "it")")
        }
        guard event.version == 1 else {
            throw Violation("event \(event.position): a request within a trace")
        }
        if let earlier = streams[name]?.last, traces[earlier]?.isDeleted == false {
            throw Violation("event \(event.position): \(name) doubled; it is trace \(earlier)")
        }
        streams[name, default: []].append(event.stream)
        traces[event.stream] = TraceState(
            name: name, position: event.position, counts: [event.type: 1])
        findings.traces += 1
        findings.attempts += 1
    }

    // MARK: one trace

    private mutating func take(_ event: LoggedEvent, _ trace: inout TraceState) throws {
        switch event.type {
        case "TagAllocated": try allocate(event, &trace)
        case "TraceSucceeded", "TraceTimedOut", "TraceFailed": try end(event, &trace)
        case "RetryRequested":
            // Anybody may ask; it counts when the trace has ended and is still there.
            guard trace.phase == .ended, !trace.isDeleted, event.attempt == trace.attempt + 1
            else { return }
            trace.phase = .pending
            trace.attempt += 1
            findings.attempts += 1
        case "NodeReported", "NodeFailed", "PacketCaptured", "CaptureArchived":
            let isStarted = trace.counts["TagAllocated"] != nil
            guard let attempt = event.attempt, attempt <= trace.attempt, isStarted else {
                throw Violation("event \(event.position): a report before its attempt")
            }
            if event.type == "CaptureArchived" { findings.captures += 1 }
            if attempt < trace.attempt || trace.phase != .running { findings.lateReports += 1 }
        case "CancelRequested": break
        case "TraceDeleted": trace.isDeleted = true
        default: throw Violation("event \(event.position): an unknown type \(event.type)")
        }
    }

    private mutating func allocate(_ event: LoggedEvent, _ trace: inout TraceState) throws {
        let place = "event \(event.position): \(trace.name)"
        guard let attempt = event.attempt, let tag = event.tag else {
            throw Violation("\(place): an allocation of nothing")
        }
        switch trace.phase {
        case .ended: throw Violation("\(place): doubled, it starts again after its end")
        case .pending:
            guard attempt == trace.attempt else {
                throw Violation("\(place): attempt \(attempt), expected \(trace.attempt)")
            }
        case .running:
            guard attempt == trace.attempt + 1 else {
                throw Violation("\(place): doubled, attempt \(attempt) after \(trace.attempt)")
            }
            letGo(event.stream, &trace)
            findings.attempts += 1
            findings.takeovers += 1
        }
        for other in holders[tag] ?? []
        where other.nodes.isEmpty || event.nodes.isEmpty
            || !Set(other.nodes).isDisjoint(with: event.nodes)
        {
            throw Violation("\(place): tag \(tag) held twice, by trace \(other.stream) too")
        }
        holders[tag, default: []].append((event.stream, event.nodes))
        trace.phase = .running
        trace.attempt = attempt
        trace.tag = tag
    }

    private mutating func letGo(_ stream: Int, _ trace: inout TraceState) {
        guard let tag = trace.tag else { return }
        holders[tag]?.removeAll { $0.stream == stream }
        trace.tag = nil
    }

    private mutating func end(_ event: LoggedEvent, _ trace: inout TraceState) throws {
        let place = "event \(event.position): \(trace.name)"
        guard trace.phase != .ended else { throw Violation("\(place): doubled, it ends again") }
        guard event.attempt == trace.attempt else {
            throw Violation("\(place): attempt \(event.attempt ?? 0) ends, not \(trace.attempt)")
        }
        if event.type == "TraceSucceeded" {
            let verdicts = ledger.questions[trace.name]?.verdicts ?? []
            guard trace.phase == .running, verdicts.contains(event.verdict ?? "") else {
                throw Violation("\(place): succeeds with \(event.verdict ?? "no verdict")")
            }
            findings.succeeded += 1
        } else {
            findings.failed += 1
        }
        trace.phase = .ended
        letGo(event.stream, &trace)
    }

    // MARK: promises

    private func checkEnds() throws {
        for (stream, trace) in traces.sorted(by: { $0.key < $1.key }) where trace.phase != .ended {
            throw Violation("trace \(stream) (\(trace.name)) never ended: it is \(trace.phase)")
        }
    }

    private func count(_ type: String, of name: String) -> Int {
        (streams[name] ?? []).reduce(0) { $0 + (traces[$1]?.counts[type] ?? 0) }
    }

    private func checkPromises() throws {
        for promise in Ledger.Promise.allCases {
            for (name, wanted) in ledger.promises[promise] ?? [:] {
                let found = count(promise.event, of: name)
                guard found >= wanted else {
                    throw Violation("lost: \(name) \(promise) \(wanted) times, recorded \(found)")
                }
            }
        }
        for name in ledger.known where streams[name] == nil {
            throw Violation("lost: \(name) was acknowledged")
        }
        let created = ledger.promises[.created] ?? [:]
        for (name, found) in streams.mapValues(\.count) {
            let most = created[name, default: 0] + ledger.unanswered[name, default: 0]
            guard found <= most else {
                throw Violation("doubled: \(name) recorded \(found) times, asked \(most) times")
            }
        }
    }

    /// A batch is recorded as one: its requests stand side by side, or none is there.
    private func checkBatches() throws {
        for batch in ledger.batches {
            let positions = batch.names.compactMap { name in
                streams[name]?.first.flatMap { traces[$0]?.position }
            }
            guard let first = positions.first else { continue }
            guard positions == Array(first..<first + batch.names.count) else {
                throw Violation("half of a batch was recorded: \(batch.names), \(positions)")
            }
        }
    }
}
