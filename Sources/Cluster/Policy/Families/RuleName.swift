import Crypto

/// The name that Antrea's webhook gives a rule without one: direction, action, and the first
/// seven digits of a SHA-1 over the rule as Go writes it (pkg/controller/networkpolicy/mutate.go).
enum RuleName {
    static let suffixLength = 7

    static func generated(
        for rule: Field, _ direction: Direction, _ action: PolicyAction
    ) throws(ManifestError) -> String {
        let side = direction == .ingress ? "ingress" : "egress"
        var json = ""
        try Shape.rule.write(rule, to: &json)
        let digits = Insecure.SHA1.hash(data: Array(json.utf8)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined().prefix(suffixLength)
        return "\(side)-\(action.rawValue.lowercased())-\(digits)"
    }

    /// Go's order of a type's fields, as far as it decides the text (pkg/apis/crd/v1beta1).
    indirect enum Shape: Sendable {
        case scalar
        /// Written even when it is missing.
        case flag
        case list(Shape)
        case object([(key: String, shape: Shape)])
        /// A map from strings to strings, which Go writes in the order of its keys.
        case texts

        static let selector = Shape.object([
            ("matchLabels", .texts),
            (
                "matchExpressions",
                .list(
                    .object([
                        ("key", .scalar), ("operator", .scalar), ("values", .list(.scalar)),
                    ]))
            ),
        ])
        static let named = Shape.object([("name", .scalar), ("namespace", .scalar)])
        static let port = Shape.object([
            ("protocol", .scalar), ("port", .scalar), ("endPort", .scalar),
            ("sourcePort", .scalar), ("sourceEndPort", .scalar),
        ])
        static let `protocol` = Shape.object([
            ("icmp", .object([("icmpType", .scalar), ("icmpCode", .scalar)])),
            ("igmp", .object([("igmpType", .scalar), ("groupAddress", .scalar)])),
        ])
        static let layer7 = Shape.object([
            ("http", .object([("host", .scalar), ("method", .scalar), ("path", .scalar)])),
            ("tls", .object([("sni", .scalar)])),
        ])
        static let peer = Shape.object([
            ("ipBlock", .object([("cidr", .scalar), ("except", .list(.scalar))])),
            ("podSelector", selector), ("namespaceSelector", selector),
            ("namespaces", .object([("match", .scalar), ("sameLabels", .list(.scalar))])),
            ("externalEntitySelector", selector), ("group", .scalar), ("fqdn", .scalar),
            ("serviceAccount", named), ("nodeSelector", selector), ("scope", .scalar),
        ])
        static let appliedTo = Shape.object([
            ("podSelector", selector), ("namespaceSelector", selector),
            ("externalEntitySelector", selector), ("group", .scalar), ("serviceAccount", named),
            ("service", named), ("nodeSelector", selector),
        ])
        static let rule = Shape.object([
            ("action", .scalar), ("ports", .list(port)), ("protocols", .list(`protocol`)),
            ("l7Protocols", .list(layer7)), ("from", .list(peer)), ("to", .list(peer)),
            (
                "toServices",
                .list(.object([("name", .scalar), ("namespace", .scalar), ("scope", .scalar)]))
            ), ("name", .scalar), ("enableLogging", .flag), ("logLabel", .scalar),
            ("appliedTo", .list(appliedTo)),
        ])

        /// Writes the value; a key of an object that is empty is left out.
        func write(_ field: Field, to text: inout String) throws(ManifestError) {
            switch self {
            case .scalar: text += field.value?.canonicalJSON ?? "null"
            case .flag: text += try field.optional()?.bool() ?? false ? "true" : "false"
            case .list(let element):
                text += "["
                for (number, entry) in try field.list().enumerated() {
                    if number > 0 { text += "," }
                    try element.write(entry, to: &text)
                }
                text += "]"
            case .texts:
                let texts = try field.texts().sorted { $0.key < $1.key }
                text +=
                    ManifestValue(
                        .map(texts.map { ($0.key, ManifestValue(.string($0.value))) })
                    ).canonicalJSON
            case .object(let fields):
                var isFirst = true
                text += "{"
                for (key, shape) in fields where try !shape.isLeftOut(field[key]) {
                    text += (isFirst ? "\"" : ",\"") + key + "\":"
                    isFirst = false
                    try shape.write(field[key], to: &text)
                }
                text += "}"
            }
        }

        private func isLeftOut(_ field: Field) throws(ManifestError) -> Bool {
            switch self {
            case .flag: return false
            case .list: return try field.list().isEmpty
            case .texts: return try field.map().isEmpty
            case .object: return field.optional() == nil
            case .scalar:
                guard let value = field.optional()?.value else { return true }
                if case .string("") = value.content { return true }
                return false
            }
        }
    }
}
