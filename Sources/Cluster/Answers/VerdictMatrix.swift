import Traceflow

/// Verdicts of pairs of Pods on some ports, computed by the model or observed by traces.
public protocol VerdictMatrix: Sendable {
    /// `namespace/pod`, in order.
    var sources: [String] { get }
    var destinations: [String] { get }
    var ports: [Reachability.Port] { get }
    /// What decides, in words, without repetition; `reason` gives places in it.
    var reasons: [String] { get }

    /// What becomes of a packet of the pair, by the ends' numbers in the lists; nil where that is
    /// not known.
    func cell(_ source: Int, _ destination: Int, port: Int) -> Verdict?
    /// Whether the verdict is that of another pair, which nothing tells apart from this one.
    func isInferred(_ source: Int, _ destination: Int, port: Int) -> Bool
    /// The places in `reasons` of what decides at the source and at the destination; nil where
    /// reasons are not kept.
    func reason(
        _ source: Int, _ destination: Int, port: Int
    ) -> (egress: Int, ingress: Int)?
    /// Whether both ends are the same Pod, which no matrix asks about.
    func isSamePod(_ source: Int, _ destination: Int) -> Bool
}

extension VerdictMatrix {
    /// How many ordered pairs of distinct Pods may speak on the port, and how many are known.
    public func counts(port: Int) -> (allowed: Int, known: Int) {
        var counts = (allowed: 0, known: 0)
        for source in sources.indices {
            for destination in destinations.indices where !isSamePod(source, destination) {
                guard let verdict = cell(source, destination, port: port) else { continue }
                counts.known += 1
                if verdict == .delivered { counts.allowed += 1 }
            }
        }
        return counts
    }
}

extension Reachability: VerdictMatrix {
    public func cell(_ source: Int, _ destination: Int, port: Int) -> Verdict? {
        verdict(source, destination, port: port)
    }

    public func isInferred(_ source: Int, _ destination: Int, port: Int) -> Bool { false }
}
