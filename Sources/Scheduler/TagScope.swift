/// The nodes that a trace may be observed on, so that a tag means one trace on each of them.
public enum TagScope: Hashable, Sendable {
    /// Sorted, without repetition.
    case nodes([String])
    /// The packet may go anywhere, as to a Service or outside.
    case allNodes

    /// A scope of the given nodes in any order; none at all counts as everywhere.
    public static func of(_ nodes: some Sequence<String>) -> TagScope {
        let unique = Set(nodes).sorted()
        return unique.isEmpty ? .allNodes : .nodes(unique)
    }
}

/// Who allots tags, and for which nodes; a recorded fact of the log.
public enum TagProfile: Hashable, Sendable {
    /// Antrea's own: 14 tags for the whole cluster.
    case antrea
    /// The same tag may run on disjoint sets of nodes, because an observation names its node.
    case perNode
    /// Real Antrea allots; we hold credits: 14 less `reserve` less `foreign` traces.
    case external(reserve: Int, foreign: Int)

    /// How long a trace may wait for whoever allots tags to begin it: as long as Antrea leaves one
    /// alone before it looks again for a free tag (pkg/controller/traceflow).
    public var startSecondsMax: Int {
        switch self {
        case .antrea, .perNode: 0
        case .external: 300
        }
    }
}
