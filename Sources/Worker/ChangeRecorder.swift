import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Records what people want changed of traces that are there.
///
///     read ──▶ judge ──▶ append, if the trace is still at the version that was read
///       ▲                  │
///       └──it went on──────┘
///
/// Finished traces leave the scheduling state, so nobody judges these events later: a retry that
/// was judged by an older state would run an attempt again that has ended meanwhile, and a deletion
/// would free a name that another trace has taken since.
public struct ChangeRecorder {
    public enum Change: Sendable {
        case cancel
        /// One more attempt of a trace that has finished.
        case retry
        case delete(name: String)
        /// Labels and annotations as they are to be, if they are still as somebody saw them.
        case metadata(from: Metadata, to: Metadata)
    }

    /// What people call a trace besides its name: all labels, all annotations.
    public struct Metadata: Hashable, Sendable {
        public var labels: [String: String]
        public var annotations: [String: String]

        public init(labels: [String: String], annotations: [String: String]) {
            self.labels = labels
            self.annotations = annotations
        }
    }

    public struct Recorded: Sendable {
        public var drafts: [Draft]
        public var appended: Appended
    }

    private let log: JobLog
    private let coding: TraceCoding
    private let clock: Clock

    public init(log: JobLog, clock: Clock = .system) {
        self.log = log
        self.clock = clock
        coding = TraceCoding(log: log)
    }

    /// Nil when there is nothing to change: the trace is not there, was deleted, has finished
    /// already (to cancel) or has not (to retry), or its metadata is not what it was.
    @discardableResult
    public func record(_ change: Change, of id: TraceID) throws -> Recorded? {
        while true {
            guard let (trace, version) = try trace(id), !trace.isDeleted else { return nil }
            let now = clock.now()
            var events: [TraceEvent] = []
            var append = AppendRequest()
            switch change {
            case .cancel:
                guard !trace.phase.isTerminal else { return nil }
                events = [.cancelRequested]
            case .retry:
                guard trace.phase.isTerminal else { return nil }
                var facts = trace.facts
                // Sweep and schedule have counted what it came to; this attempt is nobody's.
                (facts.sweep, facts.schedule) = (nil, nil)
                let retry = Retry(
                    attempt: trace.attempt + 1, notBefore: now, automaticNumber: 0, facts: facts)
                events = [.retryRequested(retry)]
            case .delete(let name):
                events = trace.phase.isTerminal ? [.deleted] : [.cancelRequested, .deleted]
                append.releasedNames = [
                    NewStream(family: StreamFamily.trace.rawValue, name: name)
                ]
            case .metadata(let seen, let wanted):
                guard let request = trace.request,
                    seen
                        == Metadata(labels: request.labels, annotations: request.annotations)
                else { return nil }
                events = [
                    .metadataChanged(labels: wanted.labels, annotations: wanted.annotations)
                ]
            }
            for (index, event) in events.enumerated() {
                append.drafts.append(
                    try coding.draft(
                        .trace(event), stream: .existing(id.rawValue),
                        expectedVersion: index == 0 ? version : nil))
            }
            do throws(JobLogError) {
                return Recorded(drafts: append.drafts, appended: try log.append(append))
            } catch {
                guard error.isContention else { throw error }
            }
        }
    }

    /// The trace, and the version of its stream.
    private func trace(_ id: TraceID) throws -> (Trace, version: Int64)? {
        let events = try log.read(stream: id.rawValue)
        let story = try coding.story(events)
        if let story, try log.isCutShort(events, isOpen: !story.trace.phase.isTerminal),
            try log.read(stream: id.rawValue).count == events.count
        {
            try log.refuseArchived(id.rawValue)
        }
        return story.map { ($0.trace, $0.version) }
    }
}
