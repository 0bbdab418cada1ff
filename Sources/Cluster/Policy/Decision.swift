/// What the policies of one direction decide.
enum Decision: Hashable, Sendable {
    /// No policy decides, so the packet passes.
    case undecided
    case allowed(RuleReference)
    case dropped(RuleReference)
    case rejected(RuleReference)
    /// Dropped because NetworkPolicies isolate the Pod and none allows.
    case isolated

    var passes: Bool {
        switch self {
        case .undecided, .allowed: true
        case .dropped, .rejected, .isolated: false
        }
    }

    var reference: RuleReference? {
        switch self {
        case .undecided, .isolated: nil
        case .allowed(let rule), .dropped(let rule), .rejected(let rule): rule
        }
    }
}

extension Decision {
    /// What decides, in words.
    var words: String {
        switch self {
        case .undecided: "no policy decides"
        case .isolated: "default deny of NetworkPolicies"
        case .allowed(let rule), .dropped(let rule), .rejected(let rule):
            "\(rule.policy.short) rule \(rule.rule)"
                + (rule.ruleName.map { " \"\($0)\"" } ?? "") + " (\(rule.action.rawValue))"
        }
    }
}

/// A decision, and the rules that might have decided otherwise if a name's addresses were known.
struct Judgement: Hashable, Sendable {
    var decision: Decision
    /// Rules on the way whose domain names may or may not stand for the peer; taken as not.
    var doubts: [RuleReference] = []

    /// Whether a doubtful rule would turn the answer around.
    var isCertain: Bool {
        doubts.allSatisfy { rule in
            switch rule.action {
            case .allow: decision.passes
            case .drop, .reject: !decision.passes
            case .pass: false
            }
        }
    }
}
