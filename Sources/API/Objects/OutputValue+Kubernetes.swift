import Kubernetes

extension JSONValue {
    /// What is printed, as it is sent.
    init(_ value: OutputValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let flag): .bool(flag)
            case .int(let number): .int(Int64(number))
            case .double(let number): .double(number)
            case .string(let text): .string(text)
            case .list(let values): .array(values.map { JSONValue($0) })
            case .map(let entries):
                .object(
                    Dictionary(
                        entries.map { ($0.key, JSONValue($0.value)) }, uniquingKeysWith: { $1 }
                    )
                    .filter { !$0.value.isNull })
            }
    }
}

extension OutputValue {
    /// What is sent, as it is printed: keys in alphabetical order.
    init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let flag): .bool(flag)
            case .int(let number): .int(Int(number))
            case .double(let number): .double(number)
            case .string(let text): .string(text)
            case .array(let values): .list(values.map { OutputValue($0) })
            case .object(let entries): .object(entries.mapValues { OutputValue($0) })
            }
    }
}
