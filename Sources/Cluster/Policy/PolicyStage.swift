/// What a stage of policies says of one direction of a connection.
enum StageVerdict: Hashable, Sendable {
    /// Nothing here decides; the next stage is asked, and without one the connection passes.
    case undecided
    case allowed(PolicyRule)
    /// Dropped because policies isolate the Pod and none allows.
    case deniedByDefault
}

/// The rule that decided.
struct PolicyRule: Hashable, Sendable {
    /// As Antrea prints it: `K8sNetworkPolicy:namespace/name`.
    var policy: String
    /// The rule's name, for policy families that name rules.
    var ruleName: String?
}

/// A family of policies in its place in the order of evaluation.
///
/// The stages of a cluster are asked in order, and the first that decides wins. A further family
/// (tiers, admin policies, baseline) is a further stage.
protocol PolicyStage: Sendable {
    func judge(_ flow: Flow, _ direction: Direction) -> StageVerdict
}
