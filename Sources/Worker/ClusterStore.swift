import Cluster
import Crypto
import Foundation
import JobLog
import Packets
import Scheduler
import Synchronization
import TraceLog
import Traceflow

/// Clusters and traffic as facts of the log: what was read is recorded once, and found again by
/// digest, so that a later worker speaks of the same world.
public final class ClusterStore: World {
    public let log: JobLog
    let coding: TraceCoding
    private let finders = Mutex(RecentFinders())
    /// What was folded of the clusters so far, so that it is not read again.
    private let folded = Mutex(FoldedClusters())
    private let traffic = Mutex<[[UInt8]: [TrafficPacket]]>([:])

    private static let stream = NewStream(family: StreamFamily.cluster.rawValue, name: "cluster")

    public init(log: JobLog) {
        self.log = log
        coding = TraceCoding(log: log)
    }

    public static func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        Array(SHA256.hash(data: Array(bytes)))
    }

    // MARK: recording

    /// Records how the cluster differs from the one observed last; returns its digest.
    public func observe(_ resources: [Resource], _ cluster: Cluster) throws -> [UInt8] {
        var references: [String: ResourceReference] = [:]
        var contents: [String: Content] = [:]
        for resource in resources where resource.kind != TraceflowManifest.kind {
            let (reference, content) = Self.reference(to: resource)
            references[reference.key] = reference
            contents[reference.key] = content
        }
        let digest = Self.digest(of: references)
        finders.withLock { $0[digest] = PathFinder(cluster: cluster) }
        try recordUntilDone(references, contents, digest)
        return digest
    }

    /// Records a cluster of which the objects are known already, but for these contents.
    func observe(
        _ references: [String: ResourceReference], _ contents: [String: Content],
        _ cluster: Cluster
    ) throws {
        let digest = Self.digest(of: references)
        finders.withLock { $0[digest] = PathFinder(cluster: cluster) }
        try recordUntilDone(references, contents, digest)
    }

    private func recordUntilDone(
        _ references: [String: ResourceReference], _ contents: [String: Content],
        _ digest: [UInt8]
    ) throws {
        while true {
            do {
                return try record(references, contents, digest)
            } catch let error as JobLogError where error.isContention {
                continue
            }
        }
    }

    /// How an object is told from others, and what is kept of it.
    static func reference(to resource: Resource) -> (ResourceReference, Content) {
        let bytes = Array(resource.canonicalJSON.utf8)
        let reference = ResourceReference(
            apiVersion: resource.apiVersion, kind: resource.kind,
            namespace: resource.namespace ?? "", name: resource.name, digest: digest(bytes),
            change: resource.change.map { .init(manager: $0.manager, at: $0.at) })
        return (reference, Content(digest: reference.digest, bytes: bytes))
    }

    private static func digest(of references: [String: ResourceReference]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (key, reference) in references.sorted(by: { $0.key < $1.key }) {
            bytes += Array(key.utf8) + [0] + reference.digest
        }
        return digest(bytes)
    }

    private func record(
        _ now: [String: ResourceReference], _ contents: [String: Content], _ digest: [UInt8]
    ) throws {
        let before = try foldLatest()
        if before.digest == digest { return }
        let (number, known) = (before.stream, before.references)
        var observed = ClusterObserved(digest: digest, appeared: [], changed: [], vanished: [])
        for (key, reference) in now.sorted(by: { $0.key < $1.key }) {
            if known[key] == nil {
                observed.appeared.append(reference)
            } else if known[key]?.digest != reference.digest {
                observed.changed.append(reference)
            }
        }
        observed.vanished = known.filter { now[$0.key] == nil }.sorted { $0.key < $1.key }
            .map(\.value)
        let fresh = (observed.appeared + observed.changed).compactMap { contents[$0.key] }
        let draft = try coding.draft(
            .clusterObserved(observed), stream: number.map { .existing($0) } ?? .new(0),
            expectedVersion: before.version)
        try log.append(
            AppendRequest(
                newStreams: number == nil ? [Self.stream] : [], drafts: [draft], contents: fresh))
    }

    /// Keeps a traffic file's bytes and returns its digest; throws when it is malformed.
    public func keepTraffic(bytes: [UInt8], file: String) throws -> (
        reference: TrafficReference, skipped: Int
    ) {
        let digest = Self.digest(bytes)
        let read = try TrafficFile.read(bytes: bytes, file: file)
        try log.append(AppendRequest(contents: [Content(digest: digest, bytes: bytes)]))
        return (TrafficReference(path: file, digest: digest), read.skipped)
    }

    // MARK: finding again

    /// The cluster observed last; nil in a log that saw none.
    public func latest() throws -> (digest: [UInt8], cluster: Cluster)? {
        guard let last = try latestReferences() else { return nil }
        return (last.digest, try finder(last.digest, last.references).cluster)
    }

    /// The cluster observed last, as an event that says all of it, and its stream; nil in a log
    /// that saw none.
    func latestWhole() throws -> (stream: Int64, cluster: ClusterObserved)? {
        let last = try foldLatest()
        guard let stream = last.stream, let digest = last.digest else { return nil }
        let appeared = last.references.sorted { $0.key < $1.key }.map(\.value)
        return (
            stream,
            ClusterObserved(
                digest: digest, appeared: appeared, changed: [], vanished: [], isWhole: true)
        )
    }

    /// The objects of the cluster observed last; none in a log that saw none.
    public func latestResources() throws -> [Resource] {
        try latestReferences().map {
            try Self.resources(of: $0.references) { try log.content($0) }
        } ?? []
    }

    private func latestReferences() throws -> (
        digest: [UInt8], references: [String: ResourceReference]
    )? {
        let last = try foldLatest()
        return last.digest.map { ($0, last.references) }
    }

    /// The cluster observed last; only what came since it was asked last is read.
    private func foldLatest() throws -> FoldedClusters {
        let stream = try log.stream(named: "cluster", family: StreamFamily.cluster.rawValue)
        guard let stream else { return FoldedClusters() }
        return try folded.withLock { folded in
            if folded.stream != stream { folded = FoldedClusters(stream: stream) }
            for recorded in try log.read(stream: stream, afterVersion: folded.version) {
                guard case .clusterObserved(let observed) = try coding.event(recorded) else {
                    continue
                }
                folded.take(observed, version: recorded.version)
            }
            return folded
        }
    }

    public func pathFinder(for request: TraceRequest) throws -> PathFinder {
        guard let digest = request.clusterDigest else {
            throw WorkerError("the request names no cluster; give one with --cluster")
        }
        return try pathFinder(of: digest)
    }

    /// The model of the cluster with the digest, which the log has observed.
    public func pathFinder(of digest: [UInt8]) throws -> PathFinder {
        if let known = finders.withLock({ $0[digest] }) { return known }
        guard
            let stream = try log.stream(named: "cluster", family: StreamFamily.cluster.rawValue),
            let found = try resources(in: log.read(stream: stream), until: digest)
        else {
            throw TraceLogError(.missingContent, position: 0, detail: "a cluster")
        }
        return try finder(digest, found.references)
    }

    public func traffic(for request: TraceRequest) throws -> [TrafficPacket] {
        ConnectionStarts.of(try packets(for: request))
    }

    public func packets(for request: TraceRequest) throws -> [TrafficPacket] {
        guard request.spec.isLive else { return [] }
        let packets = try request.traffic.flatMap { try packetsOf($0) }
        return ConnectionStarts.inOrder(packets)
    }

    private func packetsOf(_ reference: TrafficReference) throws -> [TrafficPacket] {
        if let known = traffic.withLock({ $0[reference.digest] }) { return known }
        guard let bytes = try log.content(reference.digest) else {
            throw TraceLogError(
                .missingContent, position: 0, detail: "the traffic of \(reference.path)")
        }
        let packets = try TrafficFile.read(bytes: bytes, file: reference.path).packets
        traffic.withLock { $0[reference.digest] = packets }
        return packets
    }

    private func finder(
        _ digest: [UInt8], _ references: [String: ResourceReference]
    ) throws -> PathFinder {
        if let known = finders.withLock({ $0[digest] }) { return known }
        let resources = try Self.resources(of: references) { try log.content($0) }
        let finder = PathFinder(cluster: try Cluster(resources))
        finders.withLock { $0[digest] = finder }
        return finder
    }

    /// The objects, whose contents are looked up by digest.
    static func resources(
        of references: [String: ResourceReference], _ content: ([UInt8]) throws -> [UInt8]?
    ) throws -> [Resource] {
        var resources: [Resource] = []
        for (key, reference) in references.sorted(by: { $0.key < $1.key }) {
            guard let bytes = try content(reference.digest) else {
                throw TraceLogError(.missingContent, position: 0, detail: key)
            }
            resources += try ManifestReader.read(
                text: String(decoding: bytes, as: UTF8.self), file: key)
        }
        return resources
    }

    /// Folds what was observed, up to the first cluster with the digest, or to the last.
    func resources(
        in events: [RecordedEvent], until wanted: [UInt8]?
    ) throws -> (digest: [UInt8], references: [String: ResourceReference])? {
        var folded = FoldedClusters()
        for recorded in events {
            guard case .clusterObserved(let observed) = try coding.event(recorded) else {
                continue
            }
            folded.take(observed, version: recorded.version)
            if observed.digest == wanted { break }
        }
        guard let last = folded.digest, wanted == nil || wanted == last else { return nil }
        return (last, folded.references)
    }
}

extension JobLogError {
    /// Somebody else was faster: read again and try anew.
    var isContention: Bool {
        switch code {
        case .versionConflict, .nameTaken: true
        case .noLog, .notALog, .damaged, .newerVersion, .readOnly, .diskFull, .leaseLost, .refused,
            .sealed, .archived, .failed:
            false
        }
    }
}

/// Why work cannot go on, in one line.
public struct WorkerError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
