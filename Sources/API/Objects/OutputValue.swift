/// A value to print, with its keys in the order they are to appear.
package indirect enum OutputValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    /// A finite number.
    case double(Double)
    case string(String)
    case list([OutputValue])
    case map([Entry])

    package struct Entry: Hashable, Sendable {
        package var key: String
        package var value: OutputValue

        package init(key: String, value: OutputValue) {
            self.key = key
            self.value = value
        }
    }

    /// A mapping of what is there, in alphabetical order as kubectl prints it.
    package static func object(_ entries: [String: OutputValue?]) -> OutputValue {
        .map(
            entries.compactMap { key, value in value.map { Entry(key: key, value: $0) } }
                .sorted { $0.key < $1.key })
    }

    /// One resource by itself, or what there is as kubectl's List.
    package static func resources(_ resources: [OutputValue], isList: Bool) -> OutputValue {
        if let only = resources.first, resources.count == 1, !isList { return only }
        return .object([
            "apiVersion": .string("v1"), "kind": .string("List"), "items": .list(resources),
            "metadata": .object(["resourceVersion": .string("")]),
        ])
    }

    package static func strings(_ entries: [String: String]) -> OutputValue? {
        entries.isEmpty ? nil : .object(entries.mapValues { .string($0) })
    }
}

extension OutputValue? {
    package static func text(_ text: String?) -> OutputValue? { text.map { .string($0) } }
    package static func number(_ number: Int?) -> OutputValue? { number.map { .int($0) } }
    package static func flag(_ flag: Bool?) -> OutputValue? { flag.map { .bool($0) } }
}
