import Kubernetes

/// What a list or a watch selects by labels and by fields.
struct Selector: Hashable, Sendable {
    struct Requirement: Hashable, Sendable {
        enum Rule: Hashable, Sendable {
            case isIn(Set<String>)
            case isNotIn(Set<String>)
            case exists
            case isAbsent
        }

        var key: String
        var rule: Rule

        func selects(_ value: String?) -> Bool {
            switch rule {
            case .isIn(let values): value.map(values.contains) ?? false
            case .isNotIn(let values): value.map { !values.contains($0) } ?? true
            case .exists: value != nil
            case .isAbsent: value == nil
            }
        }
    }

    var labels: [Requirement] = []
    var fields: [Requirement] = []

    static let all = Selector()

    /// Reads both selectors as Kubernetes writes them; throws BadRequest.
    init(labels: String = "", fields: String = "") throws(APIStatus) {
        self.labels = try Self.requirements(labels)
        self.fields = try Self.fieldRequirements(fields)
    }

    private init() {}

    func selects(_ object: APIObject) -> Bool {
        fields.allSatisfy { $0.selects(object.field($0.key)) }
            && labels.allSatisfy { requirement in
                requirement.selects(object.labels[requirement.key])
            }
    }

    /// The one name that can be selected, if the fields say one.
    var name: String? {
        for case let field in fields where field.key == "metadata.name" {
            if case .isIn(let values) = field.rule, values.count == 1 { return values.first }
        }
        return nil
    }

    // MARK: reading

    private static func fieldRequirements(_ text: String) throws(APIStatus) -> [Requirement] {
        var requirements: [Requirement] = []
        for term in text.split(separator: ",") {
            let (key, isNot, value) = try equation(String(term))
            guard APIObject.selectableFields.contains(key) else {
                throw APIStatus(
                    400, .badRequest,
                    "field label not supported: \(key); supported are"
                        + " \(APIObject.selectableFields.joined(separator: ", "))")
            }
            requirements.append(
                Requirement(key: key, rule: isNot ? .isNotIn([value]) : .isIn([value])))
        }
        return requirements
    }

    private static func equation(
        _ term: String
    ) throws(APIStatus) -> (key: String, isNot: Bool, value: String) {
        for (sign, isNot) in [("!=", true), ("==", false), ("=", false)] {
            guard let place = term.range(of: sign) else { continue }
            return (
                trimmed(term[..<place.lowerBound]), isNot, trimmed(term[place.upperBound...])
            )
        }
        throw APIStatus(400, .badRequest, "invalid selector: \"\(term)\"")
    }

    private static func requirements(_ text: String) throws(APIStatus) -> [Requirement] {
        var requirements: [Requirement] = []
        for term in terms(text) {
            if let set = try setRequirement(term) {
                requirements.append(set)
            } else if term.contains("=") {
                let (key, isNot, value) = try equation(term)
                requirements.append(
                    Requirement(
                        key: try valid(key, term), rule: isNot ? .isNotIn([value]) : .isIn([value]))
                )
            } else if term.hasPrefix("!") {
                requirements.append(
                    Requirement(
                        key: try valid(trimmed(term.dropFirst()), term), rule: .isAbsent))
            } else {
                requirements.append(Requirement(key: try valid(term, term), rule: .exists))
            }
        }
        return requirements
    }

    /// `key in (a, b)` and `key notin (a, b)`; nil for other terms.
    private static func setRequirement(_ term: String) throws(APIStatus) -> Requirement? {
        guard let open = term.firstIndex(of: "("), term.last == ")" else { return nil }
        let words = term[..<open].split(separator: " ").map(String.init)
        let inner = term[term.index(after: open)...].dropLast()
        let values = Set(
            inner.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) })
        guard words.count == 2 else {
            throw APIStatus(400, .badRequest, "invalid selector: \"\(term)\"")
        }
        switch words[1] {
        case "in": return Requirement(key: try valid(words[0], term), rule: .isIn(values))
        case "notin": return Requirement(key: try valid(words[0], term), rule: .isNotIn(values))
        case _: throw APIStatus(400, .badRequest, "invalid selector: \"\(term)\"")
        }
    }

    private static func valid(_ key: String, _ term: String) throws(APIStatus) -> String {
        let isName =
            !key.isEmpty
            && key.utf8.allSatisfy {
                (97...122).contains($0 | 0x20) || (48...57).contains($0)
                    || "-_./".utf8.contains($0)
            }
        guard isName else { throw APIStatus(400, .badRequest, "invalid selector: \"\(term)\"") }
        return key
    }

    /// The text at its commas, those in parentheses aside.
    private static func terms(_ text: String) -> [String] {
        var terms: [String] = []
        var term = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                terms.append(term)
                term = ""
            } else {
                term.append(character)
            }
        }
        terms.append(term)
        return terms.map { trimmed($0) }.filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
