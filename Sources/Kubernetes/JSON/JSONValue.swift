/// A JSON value, as the Kubernetes API speaks it.
///
/// Objects have no order of keys; in text they are sorted, so that equal values give equal text.
public indirect enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue {
    /// The value of a key; null where this is no object or lacks it. Null is what leaves a key out.
    public subscript(key: String) -> JSONValue {
        get {
            guard case .object(let entries) = self else { return .null }
            return entries[key] ?? .null
        }
        set {
            var entries: [String: JSONValue] = [:]
            if case .object(let known) = self { entries = known }
            entries[key] = newValue.isNull ? nil : newValue
            self = .object(entries)
        }
    }

    public var isNull: Bool { self == .null }

    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// A whole number, also where it was written as 5.0.
    public var int: Int? {
        switch self {
        case .int(let number): Int(exactly: number)
        case .double(let number): Int(exactly: number)
        case .null, .bool, .string, .array, .object: nil
        }
    }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements of an array; none of anything else.
    public var elements: [JSONValue] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// The entries of an object; none of anything else.
    public var entries: [String: JSONValue] {
        if case .object(let entries) = self { entries } else { [:] }
    }

    /// The entries whose values are strings, as of labels.
    public var texts: [String: String] { entries.compactMapValues(\.text) }

    /// An object of what is there.
    public static func of(_ entries: [String: JSONValue?]) -> JSONValue {
        .object(entries.compactMapValues { $0 }.filter { !$0.value.isNull })
    }

    public static func texts(_ texts: [String: String]) -> JSONValue {
        .object(texts.mapValues { .string($0) })
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
}
