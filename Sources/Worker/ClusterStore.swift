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
    private let finders = Mutex<[[UInt8]: PathFinder]>([:])
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
            let bytes = Array(resource.canonicalJSON.utf8)
            let reference = ResourceReference(
                apiVersion: resource.apiVersion, kind: resource.kind,
                namespace: resource.namespace ?? "", name: resource.name,
                digest: Self.digest(bytes),
                change: resource.change.map { .init(manager: $0.manager, at: $0.at) })
            references[reference.key] = reference
            contents[reference.key] = Content(digest: reference.digest, bytes: bytes)
        }
        let digest = Self.digest(of: references)
        finders.withLock { $0[digest] = PathFinder(cluster: cluster) }
        while true {
            do {
                try record(references, contents, digest)
                return digest
            } catch let error as JobLogError where error.isContention {
                continue
            }
        }
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
        let number = try log.stream(named: "cluster", family: StreamFamily.cluster.rawValue)
        let events = try number.map { try log.read(stream: $0) } ?? []
        let before = try resources(in: events, until: nil)
        if let before, before.digest == digest { return }
        let known = before?.references ?? [:]
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
            expectedVersion: events.last?.version ?? 0)
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
        guard
            let stream = try log.stream(named: "cluster", family: StreamFamily.cluster.rawValue),
            let last = try resources(in: log.read(stream: stream), until: nil)
        else { return nil }
        let appeared = last.references.sorted { $0.key < $1.key }.map(\.value)
        return (
            stream,
            ClusterObserved(
                digest: last.digest, appeared: appeared, changed: [], vanished: [], isWhole: true)
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
        guard
            let stream = try log.stream(named: "cluster", family: StreamFamily.cluster.rawValue),
            let last = try resources(in: log.read(stream: stream), until: nil)
        else { return nil }
        return last
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
        var references: [String: ResourceReference] = [:]
        var last: [UInt8]?
        for recorded in events {
            guard case .clusterObserved(let observed) = try coding.event(recorded) else {
                continue
            }
            if observed.isWhole { references = [:] }
            for reference in observed.vanished { references[reference.key] = nil }
            for reference in observed.appeared + observed.changed {
                references[reference.key] = reference
            }
            last = observed.digest
            if observed.digest == wanted { break }
        }
        guard let last, wanted == nil || wanted == last else { return nil }
        return (last, references)
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
