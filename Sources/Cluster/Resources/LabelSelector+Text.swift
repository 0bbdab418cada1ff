/// Selectors as kubectl takes them: `app=web,tier in (a, b),!old`.
extension LabelSelector {
    /// Nil when the text is no selector.
    init?(text: String) {
        requirements = []
        for part in Self.parts(of: text) {
            guard let requirement = Self.requirement(part) else { return nil }
            requirements.append(requirement)
        }
    }

    /// Commas part requirements, but not values in parentheses.
    private static func parts(of text: String) -> [String] {
        var parts: [String] = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        return parts.map(trimmed).filter { !$0.isEmpty }
    }

    private static func requirement(_ text: String) -> Requirement? {
        for (sign, isEqual) in [("!=", false), ("==", true), ("=", true)] {
            guard let range = text.firstRange(of: sign) else { continue }
            let key = trimmed(String(text[..<range.lowerBound]))
            let value = trimmed(String(text[range.upperBound...]))
            guard isKey(key), isValue(value) else { return nil }
            return isEqual ? .isIn(key: key, values: [value]) : .notIn(key: key, values: [value])
        }
        for (word, isIn) in [(" notin ", false), (" in ", true)] {
            guard let range = text.firstRange(of: word) else { continue }
            let key = trimmed(String(text[..<range.lowerBound]))
            let list = trimmed(String(text[range.upperBound...]))
            guard isKey(key), list.hasPrefix("("), list.hasSuffix(")") else { return nil }
            let values = Set(
                list.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
                    .map { trimmed(String($0)) })
            guard values.allSatisfy(isValue) else { return nil }
            return isIn ? .isIn(key: key, values: values) : .notIn(key: key, values: values)
        }
        if text.hasPrefix("!") {
            let key = trimmed(String(text.dropFirst()))
            return isKey(key) ? .doesNotExist(key: key) : nil
        }
        return isKey(text) ? .exists(key: text) : nil
    }

    /// A label's prefix, a slash and its name (Kubernetes, "Labels and Selectors").
    private static let keyMax = 253 + 1 + 63
    /// The longest value is the name of a Pod, for `metadata.name`.
    private static let valueMax = 253

    private static func isKey(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= keyMax && text.allSatisfy { isName($0) || $0 == "/" }
    }

    private static func isValue(_ text: String) -> Bool {
        text.utf8.count <= valueMax && text.allSatisfy(isName)
    }

    private static func isName(_ character: Character) -> Bool {
        character.isASCII
            && (character.isLetter || character.isNumber || "-_.".contains(character))
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}

extension Cluster {
    /// The matrix's Pods that a selector selects by their labels; `metadata.namespace` and
    /// `metadata.name` count as labels.
    public func matrixPods(matching text: String) throws(PairError) -> [String] {
        guard let selector = LabelSelector(text: text) else { throw SweptPods.unreadable(text) }
        return pods.filter { pod in
            guard pod.isInMatrix else { return false }
            var labels = pod.labels
            labels["metadata.namespace"] = pod.namespace
            labels["metadata.name"] = pod.name
            return selector.matches(labels)
        }.map(\.fullName).sorted()
    }
}

extension LabelSelector {
    /// The selector as `init(text:)` reads it.
    var text: String {
        requirements.map { requirement in
            switch requirement {
            case .isIn(let key, let values) where values.count == 1: "\(key)=\(values.first ?? "")"
            case .isIn(let key, let values):
                "\(key) in (\(values.sorted().joined(separator: ", ")))"
            case .notIn(let key, let values):
                "\(key) notin (\(values.sorted().joined(separator: ", ")))"
            case .exists(let key): key
            case .doesNotExist(let key): "!\(key)"
            }
        }.joined(separator: ",")
    }
}
