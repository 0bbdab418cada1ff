import Cluster
import Scheduler
import Traceflow

/// An attempt that a worker was told to run.
public struct StartedAttempt: Hashable, Sendable {
    public var trace: TraceID
    public var attempt: Int
    public var tag: Int
    public var deadline: Moment
    public var request: TraceRequest

    public init(trace: TraceID, attempt: Int, tag: Int, deadline: Moment, request: TraceRequest) {
        self.trace = trace
        self.attempt = attempt
        self.tag = tag
        self.deadline = deadline
        self.request = request
    }
}

/// What a backend learned of an attempt.
public struct BackendReport: Hashable, Sendable {
    public var trace: TraceID
    public var id: ReportID
    public var content: Content
    /// When the node reported, in seconds since 1970; nil for now.
    public var seconds: Int64?
    /// The packets that the node saw, where the trace keeps them.
    public var captures: [PointCapture]

    public init(
        trace: TraceID, id: ReportID, content: NodeReport.Content, seconds: Int64? = nil,
        captures: [PointCapture] = []
    ) {
        self.trace = trace
        self.id = id
        self.content = .said(content)
        self.seconds = seconds
        self.captures = captures
    }

    /// A data plane that allots tags itself began the attempt.
    public init(trace: TraceID, attempt: Int, begunAt moment: Moment) {
        self.trace = trace
        id = ReportID(attempt: attempt, node: "", sequence: 0)
        content = .begun(moment)
        captures = []
    }

    public enum Content: Hashable, Sendable {
        /// A node said it; without a node's name, the data plane did.
        case said(NodeReport.Content)
        case begun(Moment)
    }
}

/// What a backend can do.
public struct BackendAbilities: Hashable, Sendable {
    public var liveTraffic: Bool
    public var droppedOnly: Bool
    /// Whether we choose the data-plane tags.
    public var takesOurTags: Bool
    /// Attempts at once at most.
    public var inFlightMax: Int

    public init(liveTraffic: Bool, droppedOnly: Bool, takesOurTags: Bool, inFlightMax: Int) {
        self.liveTraffic = liveTraffic
        self.droppedOnly = droppedOnly
        self.takesOurTags = takesOurTags
        self.inFlightMax = inFlightMax
    }
}

/// A data plane: turns a started attempt into reports.
///
/// Reports may come late, twice, in any order, or never; `report` may be called on any thread, and
/// within `start`. Every backend passes the same conformance suite.
public protocol Backend: Sendable {
    var abilities: BackendAbilities { get }

    /// Who allots tags, and how many are left to us; nil where that is ours to say. May change.
    var allotment: TagProfile? { get }

    /// Calls on any thread each time the allotment changes.
    func whenAllotmentChanges(_ call: @escaping @Sendable () -> Void)

    /// Begins an attempt. Does not wait for its end.
    func start(_ attempt: StartedAttempt, report: @escaping @Sendable (BackendReport) -> Void)

    /// The attempt is over: what was begun for it may be given up.
    func stop(_ trace: TraceID, attempt: Int)
}

extension Backend {
    public var allotment: TagProfile? { nil }
    public func whenAllotmentChanges(_ call: @escaping @Sendable () -> Void) {}
}
