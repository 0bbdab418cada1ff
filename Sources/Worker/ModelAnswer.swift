import Cluster
import Scheduler
import Traceflow

/// What the cluster's model says that becomes of a packet.
public struct ModelAnswer: Hashable, Sendable {
    public var verdict: Verdict
    public var results: [NodeResult]

    /// Nil of real traffic, which the model does not foresee.
    public init?(of spec: TraceflowSpec, _ version: APIVersion, _ finder: PathFinder) {
        guard !spec.isLive else { return nil }
        let reports = finder.reports(for: spec, version: version, traffic: [], choose: { _ in 0 })
        results = reports.compactMap { report -> NodeResult? in
            guard case .observed(let seen, _) = report.content else { return nil }
            return NodeResult(node: report.node, timestamp: 0, observations: seen)
        }
        verdict =
            Completion.isComplete(results, of: spec)
            ? Completion.verdict(of: results) : Completion.verdictAtDeadline(of: results)
    }
}

/// A trace beside what the model says of it.
public enum ModelComparison: Hashable, Sendable {
    /// Nobody can tell: the trace has no verdict, or is of real traffic.
    case unknowable
    case agrees
    case disagrees(ModelAnswer)
    /// They differ, but what decides had changed just before: policies take effect late.
    case unsettled(ModelAnswer)

    /// So long after a change the data plane may still be on its way to it.
    public static let settleSeconds = 10

    /// `changedAt` is when what decides was changed last, as far as anybody knows.
    public init(_ trace: Trace, _ answer: ModelAnswer?, changedAt: Moment?) {
        guard let observed = trace.verdict, observed != .unknown, let answer else {
            self = .unknowable
            return
        }
        let isSame =
            observed == answer.verdict
            && (observed != .dropped && observed != .rejected
                || Self.decider(trace.results) == Self.decider(answer.results))
        if isSame {
            self = .agrees
        } else if let changedAt, let startedAt = trace.startedAt,
            startedAt < changedAt.advanced(bySeconds: Self.settleSeconds)
        {
            self = .unsettled(answer)
        } else {
            self = .disagrees(answer)
        }
    }

    /// The policy that ended the packet; nil where none is named.
    private static func decider(_ results: [NodeResult]) -> String? {
        results.flatMap(\.observations).last { $0.action == .dropped || $0.action == .rejected }?
            .networkPolicy
    }
}
