/// Kubernetes' rules for labels and the keys of annotations.
enum LabelSyntax {
    private static let partMax = 63
    private static let prefixMax = 253

    /// What is wrong with the key; nil for nothing.
    static func fault(key: String) -> String? {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last, !name.isEmpty else {
            return "a qualified name is needed, such as example.com/name"
        }
        if parts.count == 2, parts[0].isEmpty || parts[0].utf8.count > prefixMax {
            return "the prefix must be a DNS subdomain"
        }
        return fault(String(name))
    }

    static func fault(value: String) -> String? { value.isEmpty ? nil : fault(value) }

    private static func fault(_ text: String) -> String? {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard text.utf8.count <= partMax, let first = text.utf8.first, let last = text.utf8.last,
            isAlphanumeric(first), isAlphanumeric(last),
            text.utf8.allSatisfy({ isAlphanumeric($0) || "-_.".utf8.contains($0) })
        else {
            return "must be no more than \(partMax) letters, digits, '-', '_' and '.', and begin"
                + " and end with a letter or digit"
        }
        return nil
    }
}
