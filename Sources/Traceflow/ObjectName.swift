/// Kubernetes' rule for the names of cluster-scoped objects (RFC 1123 subdomain).
public enum ObjectName {
    /// Upper bound of a name, in characters.
    public static let lengthMax = 253

    /// Why the text cannot be the name of an object; nil when it can.
    public static func fault(in text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        if text.utf8.count > lengthMax { return "must be no more than \(lengthMax) characters" }
        func alphanumeric(_ byte: UInt8) -> Bool {
            (97...122).contains(byte) || (48...57).contains(byte)
        }
        for label in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        {
            guard let first = label.first, let last = label.last, alphanumeric(first),
                alphanumeric(last),
                label.allSatisfy({ alphanumeric($0) || $0 == UInt8(ascii: "-") })
            else {
                return "must consist of lower case letters, digits, '-' and '.', and start and end"
                    + " with a letter or digit"
            }
        }
        return nil
    }
}
