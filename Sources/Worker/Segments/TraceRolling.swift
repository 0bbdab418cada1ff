import Crypto
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What a log of traces takes into a new segment.
///
/// The scheduler's state, the streams of traces that are not finished, what became of the segments
/// before, and the cluster observed last, whole and with its contents. Requests are not carried:
/// the segments in which waiting traces were asked for are not archived before these are finished.
public enum TraceRolling {
    public static func rolling(_ limits: SegmentLimits) -> Rolling {
        Rolling(
            segmentBytesMax: limits.bytesMax, segmentAgeMax: limits.ageMaxMicroseconds,
            seal: { try TraceCoding.draftOfLog(.segmentSealed(segment: $0), JobLog.ownStream) },
            carry: carry, digest: digest)
    }

    @Sendable static func digest(_ next: () throws -> [UInt8]?) throws -> [UInt8] {
        var hash = SHA256()
        while let piece = try next() { hash.update(data: piece) }
        return Array(hash.finalize())
    }

    @Sendable private static func carry(_ sealed: JobLog) throws -> Carried {
        let coding = TraceCoding(log: sealed)
        let snapshot = try coding.replayed().snapshot
        var carried = Carried(
            streams: snapshot.streams,
            drafts: [
                try coding.draft(.checkpoint(snapshot), stream: .existing(JobLog.ownStream))
            ], digests: [])
        carried.drafts += try SegmentArchive.drafts(saying: SegmentArchive.fates(in: sealed))
        if let (stream, cluster) = try ClusterStore(log: sealed).latestWhole() {
            carried.drafts.append(
                try coding.draft(.clusterObserved(cluster), stream: .existing(stream)))
            carried.digests = cluster.appeared.map(\.digest)
        }
        return carried
    }
}

/// When a log goes on in a new segment.
public struct SegmentLimits: Hashable, Sendable {
    public var bytesMax: Int64
    public var ageMaxMicroseconds: Int64

    public init(bytesMax: Int64 = 1 << 30, ageMaxMicroseconds: Int64 = 30 * 86_400 * 1_000_000) {
        self.bytesMax = bytesMax
        self.ageMaxMicroseconds = ageMaxMicroseconds
    }
}
