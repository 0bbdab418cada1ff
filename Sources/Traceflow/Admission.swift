/// What admission needs to know of a source Pod.
public struct PodFacts: Hashable, Sendable {
    public var usesHostNetwork: Bool
    public init(usesHostNetwork: Bool) { self.usesHostNetwork = usesHostNetwork }
}

/// Why Antrea's webhook denies a Traceflow, in its words.
///
/// The checks and their order are those of `pkg/controller/traceflow/validate.go`. What is not
/// checked there is accepted here: several destinations, `source.ip` beside `source.pod`,
/// `droppedOnly` without `liveTraffic`, a destination that does not exist.
public enum Denial: Error, Hashable, Sendable, CustomStringConvertible {
    case sourcePodRequired
    case sourcePodNotFound(namespace: String, pod: String)
    case sourceUsesHostNetwork(namespace: String, pod: String)
    case noPod(trace: String)

    /// Judges a request; `pod` answers what is known of a Pod, nil when there is none.
    public static func reason(
        name: String, spec: TraceflowSpec,
        pod: (_ namespace: String, _ name: String) -> PodFacts?
    ) -> Denial? {
        let sourcePod = spec.source?.pod ?? ""
        if !spec.isLive {
            let namespace = spec.source?.namespace ?? ""
            guard !namespace.isEmpty, !sourcePod.isEmpty else { return .sourcePodRequired }
            guard let facts = pod(namespace, sourcePod) else {
                return .sourcePodNotFound(namespace: namespace, pod: sourcePod)
            }
            if facts.usesHostNetwork {
                return .sourceUsesHostNetwork(namespace: namespace, pod: sourcePod)
            }
        }
        if sourcePod.isEmpty, (spec.destination?.pod ?? "").isEmpty { return .noPod(trace: name) }
        return nil
    }

    /// The field that is to be changed.
    public var field: String {
        switch self {
        case .sourcePodRequired, .sourcePodNotFound, .sourceUsesHostNetwork: "spec.source"
        case .noPod: "spec"
        }
    }

    public var description: String {
        switch self {
        case .sourcePodRequired:
            "source Pod must be specified in non-live-traffic Traceflow"
        case .sourcePodNotFound(let namespace, let pod):
            "requested source Pod \(namespace)/\(pod) not found"
        case .sourceUsesHostNetwork(let namespace, let pod):
            "using hostNetwork Pod as source in non-live-traffic Traceflow is not supported"
                + " (\(namespace)/\(pod))"
        case .noPod(let trace):
            "Traceflow \(trace) has neither source nor destination Pod specified"
        }
    }
}
