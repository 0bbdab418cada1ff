/// Scalars without quotes of which a look says what they are (YAML 1.1, as kubectl reads it).
enum PlainScalar {
    private static let nulls: Set = ["", "~", "null", "Null", "NULL"]
    private static let truths: Set = [
        "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON",
    ]
    private static let untruths: Set = [
        "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF",
    ]
    private static let lengthMax = 5

    /// Nil when the whole of YAML's rules is needed to tell.
    static func content(of text: String) -> ManifestValue.Content? {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            return word(text)
        case UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "("):
            return .string(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return number(text)
        default: return nil
        }
    }

    private static func word(_ text: String) -> ManifestValue.Content {
        guard text.utf8.count <= lengthMax else { return .string(text) }
        if nulls.contains(text) { return .null }
        if truths.contains(text) { return .bool(true) }
        return untruths.contains(text) ? .bool(false) : .string(text)
    }

    /// Whole numbers, and addresses with their dots; octals, floats and times are left to YAML.
    private static func number(_ text: String) -> ManifestValue.Content? {
        var dots = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): break
            case UInt8(ascii: "."): dots += 1
            default: return nil
            }
        }
        if dots > 1 { return .string(text) }
        guard dots == 0, text.utf8.first != UInt8(ascii: "0") || text.utf8.count == 1 else {
            return nil
        }
        return Int(text).map { .int($0) }
    }
}
