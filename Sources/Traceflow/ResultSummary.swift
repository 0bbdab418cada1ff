/// What one node's observations mean for the end of a trace.
///
/// Equal lists of observations have equal summaries, so that who stores a list once can work out
/// its summary once, and fold reports without having the list at hand.
public struct ResultSummary: Hashable, Sendable {
    /// Whether the sender's own observation (SpoofGuard) is among them.
    public var hasSender: Bool
    /// What the last terminal action means; nil when there is none.
    public var verdict: Verdict?
    /// The node's share of the packet's path.
    public var path: PathDigest

    public init(hasSender: Bool, verdict: Verdict?, path: PathDigest = PathDigest()) {
        self.hasSender = hasSender
        self.verdict = verdict
        self.path = path
    }

    public init(of observations: [Observation]) {
        self.init(hasSender: false, verdict: nil, path: PathDigest(of: observations))
        for observation in observations {
            if observation.component == .spoofGuard { hasSender = true }
            verdict = Completion.verdict(of: observation.action) ?? verdict
        }
    }
}
