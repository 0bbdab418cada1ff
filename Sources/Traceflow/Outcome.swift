/// Where a trace is in its life, in Antrea's words.
public enum Phase: String, Sendable, CaseIterable {
    case pending = "Pending"
    case running = "Running"
    case succeeded = "Succeeded"
    case failed = "Failed"

    /// Whether the phase ends an attempt.
    public var isTerminal: Bool {
        switch self {
        case .pending, .running: false
        case .succeeded, .failed: true
        }
    }
}

/// What became of the packet. `Succeeded` only says that the trace finished.
public enum Verdict: String, Sendable, CaseIterable {
    case delivered = "Delivered"
    case dropped = "Dropped"
    case rejected = "Rejected"
    case forwardedOutOfNetwork = "ForwardedOutOfNetwork"
    /// The sender reported and nobody saw the packet again before the deadline.
    case lost = "Lost"
    case unknown = "Unknown"
}

/// Antrea's rules on what a set of node results means (pkg/controller/traceflow).
public enum Completion {
    /// Whether the results finish the trace.
    ///
    /// Dropped-only live traces finish with any report. Others need a terminal action, and the
    /// sender's observation unless the request names no source Pod.
    public static func isComplete(_ results: [NodeResult], of spec: TraceflowSpec) -> Bool {
        isComplete(
            results, droppedOnly: spec.isDroppedOnly, needsSender: spec.hasSourcePod)
    }

    /// The same, with the two facts of the request that matter.
    public static func isComplete(
        _ results: [NodeResult], droppedOnly: Bool, needsSender: Bool
    ) -> Bool {
        Progress(of: results).isComplete(droppedOnly: droppedOnly, needsSender: needsSender)
    }

    /// The verdict of a finished trace: its last terminal action, `Unknown` without one.
    public static func verdict(of results: [NodeResult]) -> Verdict {
        Progress(of: results).verdict
    }

    /// The verdict of a trace that ran out of time: `Lost` when only the sender reported.
    public static func verdictAtDeadline(of results: [NodeResult]) -> Verdict {
        Progress(of: results).verdictAtDeadline
    }

    /// What a terminal action means; nil for the actions that are followed by another.
    public static func verdict(of action: Action) -> Verdict? {
        switch action {
        case .delivered: .delivered
        case .dropped: .dropped
        case .rejected: .rejected
        case .forwardedOutOfNetwork, .forwardedOutOfOverlay: .forwardedOutOfNetwork
        case .received, .forwarded, .markedForSNAT, .forwardedToEgressNode: nil
        }
    }
}
