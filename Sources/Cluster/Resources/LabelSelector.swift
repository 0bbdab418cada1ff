/// A Kubernetes label selector (apimachinery `pkg/labels`): all requirements together.
struct LabelSelector: Hashable, Sendable {
    enum Requirement: Hashable, Sendable {
        case isIn(key: String, values: Set<String>)
        /// Holds for a missing key as well.
        case notIn(key: String, values: Set<String>)
        case exists(key: String)
        case doesNotExist(key: String)
    }

    var requirements: [Requirement]

    /// An empty selector selects everything.
    init(_ field: Field) throws(ManifestError) {
        requirements = []
        _ = try field.mapping()
        for (key, value) in try field["matchLabels"].map() {
            requirements.append(.isIn(key: key, values: [try value.text()]))
        }
        for expression in try field["matchExpressions"].list() {
            requirements.append(try Self.requirement(expression))
        }
    }

    init(matching labels: [String: String]) {
        requirements = labels.sorted { $0.key < $1.key }
            .map { .isIn(key: $0.key, values: [$0.value]) }
    }

    private static func requirement(_ field: Field) throws(ManifestError) -> Requirement {
        let key = try field["key"].required().string()
        var values: Set<String> = []
        for value in try field["values"].list() { values.insert(try value.text()) }
        let name = try field["operator"].required().string()
        switch name {
        case "In", "NotIn":
            guard !values.isEmpty else { throw field["values"].error("\(name) needs a value") }
            return name == "In" ? .isIn(key: key, values: values) : .notIn(key: key, values: values)
        case "Exists", "DoesNotExist":
            guard values.isEmpty else { throw field["values"].error("\(name) takes no values") }
            return name == "Exists" ? .exists(key: key) : .doesNotExist(key: key)
        case let name:
            throw field["operator"].error(
                "\"\(name)\" is none of In, NotIn, Exists, DoesNotExist")
        }
    }

    func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .isIn(let key, let values): labels[key].map { values.contains($0) } ?? false
            case .notIn(let key, let values): labels[key].map { !values.contains($0) } ?? true
            case .exists(let key): labels[key] != nil
            case .doesNotExist(let key): labels[key] == nil
            }
        }
    }
}
