extension OutputValue {
    /// YAML in kubectl's layout: two blanks a level, list items at the level of their key.
    package var yaml: String {
        switch self {
        case .map(let entries) where !entries.isEmpty: Self.lines(entries, "").joined()
        case .list(let values) where !values.isEmpty: Self.lines(values, "").joined()
        case .null, .bool, .int, .double, .string, .list, .map: inline + "\n"
        }
    }

    private static func lines(_ entries: [Entry], _ indent: String) -> [String] {
        entries.flatMap { entry -> [String] in
            let key = indent + scalar(entry.key) + ":"
            switch entry.value {
            case .map(let inner) where !inner.isEmpty:
                return [key + "\n"] + lines(inner, indent + "  ")
            case .list(let values) where !values.isEmpty:
                return [key + "\n"] + lines(values, indent)
            case .null, .bool, .int, .double, .string, .list, .map:
                return [key + " " + entry.value.inline + "\n"]
            }
        }
    }

    private static func lines(_ values: [OutputValue], _ indent: String) -> [String] {
        values.flatMap { value -> [String] in
            let inner: [String]
            switch value {
            case .map(let entries) where !entries.isEmpty: inner = lines(entries, indent + "  ")
            case .list(let values) where !values.isEmpty: inner = lines(values, indent + "  ")
            case .null, .bool, .int, .double, .string, .list, .map:
                return [indent + "- " + value.inline + "\n"]
            }
            guard let first = inner.first else { return [] }
            return [indent + "- " + first.dropFirst(indent.count + 2)] + inner.dropFirst()
        }
    }

    private var inline: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .double(let value): String(value)
        case .string(let value): Self.scalar(value)
        case .list: "[]"
        case .map: "{}"
        }
    }

    /// Plain when every reader takes it for the same string, else in double quotes, whose escapes
    /// are JSON's.
    package static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

    private static let reserved: Set<String> = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ]

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.last != " ", text.last != ":" else { return false }
        let isLetter = (65...90).contains(first) || (97...122).contains(first)
        // What begins like a number may be one: versions, addresses and dates are quoted when
        // nothing but digits and their punctuation is in them.
        let isNumeric = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || "+-.,:_eExXoOabcdfABCDFtTzZ ".utf8.contains(byte)
        }
        let isAddress = text.split(separator: ".").count == 4 && !text.contains("e")
        guard isLetter || ((48...57).contains(first) && (!isNumeric || isAddress)) else {
            return false
        }
        if reserved.contains(text.lowercased()) { return false }
        if text.contains(": ") || text.contains(" #") { return false }
        return text.utf8.allSatisfy { (0x20..<0x7f).contains($0) }
    }
}
