/// How a namespace says that it wants no traces: by a label.
public enum TracingOptOut {
    static let key = "tracectl.dev/tracing"
    static let value = "disabled"

    /// For messages.
    public static var label: String { "\(key)=\(value)" }

    public static func isMeant(by labels: [String: String]) -> Bool { labels[key] == value }
}

extension Cluster {
    /// Whether the namespace wants no traces.
    public func optsOut(namespace: String) -> Bool {
        resources.namespaceLabels[namespace].map(TracingOptOut.isMeant) ?? false
    }

    /// Namespaces that want no traces, in order.
    public var namespacesOptedOut: [String] {
        resources.namespaceLabels.filter { TracingOptOut.isMeant(by: $0.value) }.keys.sorted()
    }
}
