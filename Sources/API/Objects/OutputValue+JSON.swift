extension OutputValue {
    /// JSON, four blanks a level as kubectl indents it.
    package var json: String {
        var text = ""
        write(to: &text, indent: 0, isCompact: false)
        return text + "\n"
    }

    /// JSON on one line.
    package var compactJSON: String {
        var text = ""
        write(to: &text, indent: 0, isCompact: true)
        return text
    }

    private func write(to text: inout String, indent: Int, isCompact: Bool) {
        let blanks = isCompact ? "" : "\n" + String(repeating: "    ", count: indent + 1)
        let last = isCompact ? "" : "\n" + String(repeating: "    ", count: indent)
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += String(value)
        case .double(let value): text += String(value)
        case .string(let value): text += Self.quoted(value)
        case .list(let values):
            if values.isEmpty {
                text += "[]"
                return
            }
            text += "["
            for (index, value) in values.enumerated() {
                text += (index > 0 ? "," : "") + blanks
                value.write(to: &text, indent: indent + 1, isCompact: isCompact)
            }
            text += last + "]"
        case .map(let entries):
            if entries.isEmpty {
                text += "{}"
                return
            }
            text += "{"
            for (index, entry) in entries.enumerated() {
                text += (index > 0 ? "," : "") + blanks + Self.quoted(entry.key)
                text += isCompact ? ":" : ": "
                entry.value.write(to: &text, indent: indent + 1, isCompact: isCompact)
            }
            text += last + "}"
        }
    }

    /// A JSON string (RFC 8259); control characters, and those that end lines, are escaped.
    package static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar.value {
            case 0x22: text += "\\\""
            case 0x5c: text += "\\\\"
            case 0x0a: text += "\\n"
            case 0x09: text += "\\t"
            case 0x0d: text += "\\r"
            case 0..<0x20, 0x7f...0x9f, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
