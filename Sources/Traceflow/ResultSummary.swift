/// What one node's observations mean for the end of a trace.
///
/// Equal lists of observations have equal summaries, so that who stores a list once can work out
/// its summary once, and fold reports without having the list at hand.
public struct ResultSummary: Hashable, Sendable {
    /// Whether the sender's own observation (SpoofGuard) is among them.
    public var hasSender: Bool
    /// What the last terminal action means; nil when there is none.
    public var verdict: Verdict?

    public init(hasSender: Bool, verdict: Verdict?) {
        self.hasSender = hasSender
        self.verdict = verdict
    }

    public init(of observations: [Observation]) {
        self.init(hasSender: false, verdict: nil)
        for observation in observations {
            if observation.component == .spoofGuard { hasSender = true }
            verdict = Completion.verdict(of: observation.action) ?? verdict
        }
    }
}
