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
    /// The one that was asked for last is the last: all traces of a sweep ask for the same.
    private var finders: [(digest: [UInt8], finder: PathFinder)] = []

    /// A model of a large cluster takes tens of megabytes.
    private static let countMax = 16

    subscript(digest: [UInt8]) -> PathFinder? {
        mutating get {
            guard let place = finders.lastIndex(where: { $0.digest == digest }) else { return nil }
            if place < finders.count - 1 { finders.append(finders.remove(at: place)) }
            return finders.last?.finder
        }
        set {
            finders.removeAll { $0.digest == digest }
            guard let newValue else { return }
            finders.append((digest, newValue))
            if finders.count > Self.countMax { finders.removeFirst() }
        }
    }
}
