import Cluster
import History
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Finds traces in a log and folds them into what is shown.
package struct TraceReader {
    package let log: JobLog
    package let coding: TraceCoding
    private let history: (JobLog) throws -> History
    private let captures = Captures()
    private static let family = StreamFamily.trace.rawValue

    /// `history` opens the log's history, folded as far as the log goes.
    package init(log: JobLog, history: @escaping (JobLog) throws -> History) {
        self.log = log
        self.history = history
        coding = TraceCoding(log: log)
    }

    /// The trace of the name; an error that says so when there is none.
    package func stream(named text: String) throws -> Int64 {
        let name = QualifiedName.traceName(text)
        if let stream = try member(named: name) { return stream }
        guard let stream = try log.stream(named: name, family: Self.family) else {
            throw Refusal("\(QualifiedName.title(name)) not found")
        }
        return stream
    }

    /// The trace with a derived name, `sweep/NAME/000123`, by which no index is needed.
    private func member(named name: String) throws -> Int64? {
        if let stream = try run(named: name) { return stream }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "sweep", let number = Int64(parts[2]) else {
            return nil
        }
        let book = SweepBook(log: log)
        let sweep = try book.entry(named: String(parts[1]))
        guard let stream = try book.stream(ofMember: number, of: sweep.id) else {
            throw Refusal(
                "sweep \(sweep.name) has no trace \(number)"
                    + (number < sweep.request.total ? " yet" : ""))
        }
        return stream
    }

    /// The trace of a schedule's slot, `schedule/NAME/2026-11-23T10:05:00Z`.
    private func run(named name: String) throws -> Int64? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[0] == "schedule" else { return nil }
        let book = ScheduleBook(log: log)
        guard let id = try book.id(named: parts[1]),
            let stream = try book.stream(ofSlot: parts[2], of: id)
        else { throw Refusal("Traceflow \"\(name)\" not found") }
        return stream
    }

    package func view(_ stream: Int64, at moment: Moment? = nil) throws -> TraceView? {
        var events = try log.read(stream: stream)
        while true {
            guard let view = try view(stream, events, at: moment) else { return nil }
            let isOpen = moment == nil && !view.trace.phase.isTerminal
            guard try log.isCutShort(events, isOpen: isOpen) else { return view }
            // Part of it is archived, unless it went on in this moment.
            let again = try log.read(stream: stream)
            if again.count == events.count { return nil }
            events = again
        }
    }

    private func view(
        _ stream: Int64, _ events: [RecordedEvent], at moment: Moment?
    ) throws -> TraceView? {
        guard let story = try coding.story(events, until: moment), let request = story.request
        else { return nil }
        var view = TraceView(
            id: TraceID(stream), createdAt: story.begunAt, request: request, trace: story.trace)
        if moment == nil, !view.trace.captures.isEmpty {
            let through = try captures.through(log, history)
            view.prunedCaptures =
                events.filter { $0.type == LogEventType.captureArchived.rawValue }
                .suffix(view.trace.captures.count).prefix { $0.position <= through }.count
        }
        if view.request.packetCapture?.fileServer != nil {
            let known = try captures.uploads(log)[view.id]
            view.upload = known?.attempt == view.trace.attempt ? known : nil
        }
        return view
    }

    /// Up to where captures were given up and which were sent; asked of the history once.
    private final class Captures {
        private var known: Int64?
        private var sent: [TraceID: CaptureUploaded]?

        func uploads(_ log: JobLog) throws -> [TraceID: CaptureUploaded] {
            if let sent { return sent }
            let uploads = try CaptureUploader.uploads(log)
            sent = uploads
            return uploads
        }

        func through(
            _ log: JobLog, _ history: (JobLog) throws -> History
        ) throws -> Int64 {
            if let known { return known }
            let through = try CaptureBook(log: log, history: history(log)).prunedThrough
            known = through
            return through
        }
    }

    /// The trace, which was recorded; throws `archived` when part of it lies in a segment that is
    /// not here.
    package func view(ofHeld id: TraceID) throws -> TraceView {
        if let view = try view(id.rawValue) { return view }
        try log.refuseArchived(id.rawValue)
        throw Refusal("trace \(id.rawValue) cannot be read")
    }

    package func view(named text: String, at moment: Moment? = nil) throws -> TraceView {
        let name = QualifiedName.traceName(text)
        let found: TraceView?
        if let moment, let stream = try member(named: name) {
            found = try view(stream, at: moment)
        } else if let moment {
            found = try views(at: moment).first { $0.name == name }
        } else {
            let stream = try stream(named: name)
            found = try view(stream)
            if found == nil { try log.refuseArchived(stream) }
        }
        guard let found else { throw Refusal("\(QualifiedName.title(name)) not found") }
        return found
    }

    /// The current traces by name, PacketCaptures or all others.
    package func views(after name: String, limit: Int, ofCaptures: Bool) throws -> [TraceView] {
        var views: [TraceView] = []
        var after = name
        while views.count < limit {
            let page = try log.names(
                family: Self.family, after: after, limit: min(Self.page, limit - views.count))
            for entry in page {
                after = entry.name
                guard (PacketCaptureManifest.name(ofTrace: entry.name) != nil) == ofCaptures,
                    let view = try view(entry.stream)
                else { continue }
                views.append(view)
            }
            if page.isEmpty { break }
        }
        return views
    }

    private static let page = 10_000

    /// The traces as they were at a moment, by name.
    package func views(at moment: Moment) throws -> [TraceView] {
        try log.firsts(ofType: LogEventType.traceRequested.rawValue)
            .filter { $0.recordedAt <= moment.microseconds }
            .compactMap { try view($0.stream, at: moment) }
            .filter { !$0.trace.isDeleted }
            .sorted { $0.name < $1.name }
    }
}
