/// A place in a manifest that knows its path, so that what is wrong there can be named.
struct Field: Sendable {
    let value: ManifestValue?
    let path: String
    let file: String
    /// Where to point when the field itself is not there.
    private let parentLine: Int

    init(_ value: ManifestValue?, path: String, file: String, parentLine: Int = 1) {
        self.value = value
        self.path = path
        self.file = file
        self.parentLine = value.map { $0.line } ?? parentLine
    }

    subscript(_ key: String) -> Field {
        var child: ManifestValue?
        if case .map(let entries) = value?.content {
            child = entries.last { $0.key == key }?.value
        }
        return Field(
            child, path: path.isEmpty ? key : "\(path).\(key)", file: file, parentLine: parentLine)
    }

    var line: Int { parentLine }

    func error(_ message: String) -> ManifestError {
        ManifestError(
            file: file, line: parentLine, column: value?.column, field: path.isEmpty ? nil : path,
            message: message)
    }

    /// The field when it is there and not null.
    func optional() -> Field? {
        guard let value, !value.isNull else { return nil }
        return self
    }

    func required() throws(ManifestError) -> Field {
        guard let field = optional() else { throw error("required, and missing") }
        return field
    }

    func string() throws(ManifestError) -> String {
        if case .string(let text) = value?.content { return text }
        throw error("must be a string, and is \(value?.kind ?? "missing")")
    }

    /// A string, or a plain scalar's text: label values and the like are often left unquoted.
    func text() throws(ManifestError) -> String {
        switch value?.content {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .bool(let flag): return String(flag)
        case .double(let number): return String(number)
        case .null, nil: return ""
        case .list, .map: throw error("must be a string, and is \(value?.kind ?? "missing")")
        }
    }

    func int() throws(ManifestError) -> Int {
        switch value?.content {
        case .int(let number): return number
        case .double(let number):
            if let whole = Int(exactly: number) { return whole }
            throw error("must be a whole number")
        case .null, .bool, .string, .list, .map, nil:
            throw error("must be a number, and is \(value?.kind ?? "missing")")
        }
    }

    /// The number within the range; nil when the field is not there.
    func int(in range: ClosedRange<Int>) throws(ManifestError) -> Int? {
        guard let number = try optional()?.int() else { return nil }
        guard range.contains(number) else {
            throw error("must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// One of the words; nil when the field is not there.
    func word(of words: [String]) throws(ManifestError) -> String? {
        guard let word = try optional()?.string() else { return nil }
        guard words.contains(word) else {
            throw error("\"\(word)\" is none of \(words.joined(separator: ", "))")
        }
        return word
    }

    func number() throws(ManifestError) -> Double {
        if case .double(let number) = value?.content { return number }
        return Double(try int())
    }

    func bool() throws(ManifestError) -> Bool {
        if case .bool(let flag) = value?.content { return flag }
        throw error("must be true or false, and is \(value?.kind ?? "missing")")
    }

    /// The elements; none when the field is missing or null.
    func list() throws(ManifestError) -> [Field] {
        guard let field = optional() else { return [] }
        guard case .list(let values) = field.value?.content else {
            throw error("must be a list, and is \(value?.kind ?? "missing")")
        }
        return values.enumerated().map { index, value in
            Field(value, path: "\(path)[\(index)]", file: file)
        }
    }

    /// The entries; none when the field is missing or null.
    func map() throws(ManifestError) -> [(key: String, field: Field)] {
        guard let field = optional() else { return [] }
        guard case .map(let entries) = field.value?.content else {
            throw error("must be a mapping, and is \(value?.kind ?? "missing")")
        }
        return entries.map { ($0.key, Field($0.value, path: "\(path).\($0.key)", file: file)) }
    }

    /// The field itself, once it is known to be a mapping, or not there at all.
    func mapping() throws(ManifestError) -> Field {
        _ = try map()
        return self
    }

    func texts() throws(ManifestError) -> [String: String] {
        var texts: [String: String] = [:]
        for (key, field) in try map() { texts[key] = try field.text() }
        return texts
    }

    /// Warnings for keys that are not among the known ones.
    func unknownKeys(except known: Set<String>) throws(ManifestError) -> [ManifestWarning] {
        try map().filter { !known.contains($0.key) }.map { entry in
            ManifestWarning(
                file: file, line: entry.field.line,
                message: "unknown field \(entry.field.path) is ignored")
        }
    }
}
