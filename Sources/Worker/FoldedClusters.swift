import Cluster
import TraceLog

/// What a log has observed of its cluster, up to a version of the cluster's stream.
struct FoldedClusters: Sendable {
    var stream: Int64?
    private(set) var version: Int64 = 0
    /// Of the whole cluster; nil before the first.
    private(set) var digest: [UInt8]?
    private(set) var references: [String: ResourceReference] = [:]

    init(stream: Int64? = nil) { self.stream = stream }

    mutating func take(_ observed: ClusterObserved, version: Int64) {
        if observed.isWhole { references = [:] }
        for reference in observed.vanished { references[reference.key] = nil }
        for reference in observed.appeared + observed.changed {
            references[reference.key] = reference
        }
        digest = observed.digest
        self.version = version
    }
}

/// Models of clusters by their digests, as many as are asked for in one time.
struct RecentFinders: Sendable {
    private var finders: [[UInt8]: PathFinder] = [:]
    private var order: [[UInt8]] = []

    /// A model of a large cluster takes tens of megabytes.
    private static let countMax = 16

    subscript(digest: [UInt8]) -> PathFinder? {
        mutating get {
            guard let found = finders[digest] else { return nil }
            touch(digest)
            return found
        }
        set {
            finders[digest] = newValue
            touch(digest)
            while order.count > Self.countMax { finders[order.removeFirst()] = nil }
        }
    }

    private mutating func touch(_ digest: [UInt8]) {
        if order.last == digest { return }
        order.removeAll { $0 == digest }
        order.append(digest)
    }
}
