import Traceflow

/// A decision: an event and the trace it is about.
public struct Decision: Hashable, Sendable {
    public var trace: TraceID
    public var event: TraceEvent

    public init(trace: TraceID, event: TraceEvent) {
        self.trace = trace
        self.event = event
    }
}
