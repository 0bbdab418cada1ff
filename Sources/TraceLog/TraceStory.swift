import JobLog
import Scheduler
import Traceflow

/// One trace as the events of its stream tell it.
public struct TraceStory: Sendable {
    /// Nil when the request is not among the events.
    public var request: TraceRequest?
    /// When the first of the events was recorded.
    public var begunAt: Moment
    public var trace: Trace
    /// That of the last event that was taken in.
    public var version: Int64
}

extension TraceCoding {
    /// Folds the events of one trace, those up to the moment; nil when they make none.
    public func story(
        _ events: [RecordedEvent], until moment: Moment? = nil
    ) throws -> TraceStory? {
        var story: TraceStory?
        for recorded in events {
            let recordedAt = Moment(microseconds: recorded.recordedAt)
            if let moment, recordedAt > moment { break }
            guard case .trace(let event) = try event(recorded) else { continue }
            if story != nil {
                story?.trace.evolve(event, at: recordedAt)
            } else if let trace = Trace(event, at: recordedAt) {
                story = TraceStory(begunAt: recordedAt, trace: trace, version: 0)
            }
            if case .requested(let request) = event { story?.request = request }
            if case .metadataChanged(let labels, let annotations) = event {
                story?.request?.labels = labels
                story?.request?.annotations = annotations
            }
            story?.version = recorded.version
        }
        return story
    }
}
