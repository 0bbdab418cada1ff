/// The Pods at one side of a sweep, as a manifest says them and as one line of text does.
///
/// Both forms say the same of all that either can say, so what was asked for with flags can be
/// printed as a manifest and read back. Selectors that mean the same in another order or notation
/// (`b,a=x` and `a in (x),b`) are equal, and have the same text.
public struct SweptPods: Hashable, Sendable {
    /// One of `matchExpressions` of a Kubernetes LabelSelector.
    public struct Expression: Hashable, Sendable {
        public var key: String
        /// In, NotIn, Exists or DoesNotExist.
        public var `operator`: String
        /// In order; empty for Exists and DoesNotExist.
        public var values: [String]
    }

    /// Pods of these Namespaces, in order; empty for all.
    public private(set) var namespaces: [String] = []
    /// Labels that a Pod has, all of them.
    public private(set) var matchLabels: [String: String] = [:]
    /// What holds of a Pod's labels besides, in order; `metadata.namespace` and `metadata.name`
    /// count as labels.
    public private(set) var matchExpressions: [Expression] = []

    /// Nil when the text is no selector as kubectl takes them: `app=web,tier in (a, b),!old`.
    public init?(text: String) {
        guard let selector = LabelSelector(text: text) else { return nil }
        self.init(selector)
    }

    /// The text in the one notation that it shares with all that mean the same; nil for all Pods.
    /// What is no selector stays as it is: who selects by it refuses it.
    public static func text(_ text: String?) -> String? {
        let told = text.flatMap { SweptPods(text: $0)?.text ?? $0 } ?? ""
        return told.isEmpty ? nil : told
    }

    /// Throws where the text is no selector; nil is for all Pods.
    public static func check(_ text: String?) throws(PairError) {
        if let text, SweptPods(text: text) == nil { throw unreadable(text) }
    }

    static func unreadable(_ text: String) -> PairError {
        PairError(description: "\"\(text)\" is no selector such as app=web,metadata.namespace=shop")
    }

    init(_ selector: LabelSelector) {
        for expression in Set(selector.requirements.map(Expression.init)).sorted(by: <) {
            let value = expression.operator == "In" ? expression.values : []
            if expression.key == Self.namespaceKey, !value.isEmpty, namespaces.isEmpty {
                namespaces = value
            } else if value.count == 1, matchLabels[expression.key] == nil {
                matchLabels[expression.key] = value[0]
            } else {
                matchExpressions.append(expression)
            }
        }
    }

    static let namespaceKey = "metadata.namespace"

    /// What `init(text:)` reads the same from.
    public var text: String { selector.text }

    /// Whether a label can have all these keys and values, so that they can be told in a line.
    var isText: Bool { SweptPods(text: text) == self }

    private var selector: LabelSelector {
        var selector = LabelSelector(matching: matchLabels)
        if !namespaces.isEmpty {
            selector.requirements.insert(
                .isIn(key: Self.namespaceKey, values: Set(namespaces)), at: 0)
        }
        selector.requirements += matchExpressions.map(\.requirement)
        return selector
    }
}

extension SweptPods.Expression {
    fileprivate static func < (one: Self, other: Self) -> Bool {
        (one.key, one.operator, one.values.joined(separator: ","))
            < (other.key, other.operator, other.values.joined(separator: ","))
    }

    fileprivate init(_ requirement: LabelSelector.Requirement) {
        switch requirement {
        case .isIn(let key, let values):
            self.init(key: key, operator: "In", values: values.sorted())
        case .notIn(let key, let values):
            self.init(key: key, operator: "NotIn", values: values.sorted())
        case .exists(let key): self.init(key: key, operator: "Exists", values: [])
        case .doesNotExist(let key): self.init(key: key, operator: "DoesNotExist", values: [])
        }
    }

    fileprivate var requirement: LabelSelector.Requirement {
        switch self.operator {
        case "In": .isIn(key: key, values: Set(values))
        case "NotIn": .notIn(key: key, values: Set(values))
        case "Exists": .exists(key: key)
        default: .doesNotExist(key: key)
        }
    }
}
