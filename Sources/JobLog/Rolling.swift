/// What a log has to be told so that it can go on in a new segment.
///
/// A log knows events as bytes. Which of them end a segment and begin one, and what of the past
/// the new segment needs, is known to those who know what the bytes mean.
public struct Rolling: Sendable {
    /// The bytes at which a segment is large enough.
    public var segmentBytesMax: Int64
    /// The age, in microseconds, at which a segment is old enough.
    public var segmentAgeMax: Int64
    /// The last event of the segment with the number.
    public var seal: @Sendable (_ segment: Int64) throws -> Draft
    /// What the next segment needs of a log that ends with a seal, and that is for reading only.
    public var carry: @Sendable (_ sealed: JobLog) throws -> Carried
    /// The digest of a file that is handed over piece by piece.
    public var digest: @Sendable (_ next: () throws -> [UInt8]?) throws -> [UInt8]

    public init(
        segmentBytesMax: Int64 = 1 << 30, segmentAgeMax: Int64 = 30 * 86_400 * 1_000_000,
        seal: @escaping @Sendable (Int64) throws -> Draft,
        carry: @escaping @Sendable (JobLog) throws -> Carried,
        digest: @escaping @Sendable (() throws -> [UInt8]?) throws -> [UInt8]
    ) {
        self.segmentBytesMax = segmentBytesMax
        self.segmentAgeMax = segmentAgeMax
        self.seal = seal
        self.carry = carry
        self.digest = digest
    }
}

/// What a new segment gets of those before it, besides names and leases.
public struct Carried: Sendable {
    /// Streams that are likely to go on, in order. Others are looked up when they do.
    public var streams: [ClosedRange<Int64>]
    /// The first events of the segment, of streams that are there; a checkpoint first.
    public var drafts: [Draft]
    /// Contents that are kept in the new segment too.
    public var digests: [[UInt8]]

    public init(streams: [ClosedRange<Int64>], drafts: [Draft], digests: [[UInt8]]) {
        self.streams = streams
        self.drafts = drafts
        self.digests = digests
    }
}
